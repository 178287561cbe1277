// What a machine gives to programs, from the files that say so.
#include <cerrno>

#include <tests/catch.hpp>
#include <tests/fake_gate.hpp>
#include <tests/unit/btf/btf_builder.hpp>

#include <libminibpf/attach/machine.hpp>
#include <libminibpf/kernel/files.hpp>
#include <libminibpf/load/privilege.hpp>

using namespace minibpf;
using minibpf::test::BtfBuilder;
using minibpf::test::contains;
using minibpf::test::FakeGate;

namespace {

Finding finding(FakeGate& gate, const std::string& what) {
    for (const Finding& found : examine_machine(gate)) {
        if (found.what == what) return found;
    }
    FAIL("nothing is said of " << what);
    return {};
}

void add_types(FakeGate& gate) {
    BtfBuilder types;
    const btf::TypeId integer = types.integer("int", 4);
    types.function("bpf_fentry_test1", types.prototype(integer, {{"a", integer}}));
    gate.files["/sys/kernel/btf/vmlinux"] = text_of(types.bytes());
}

}  // namespace

TEST_CASE("a file system is found where it is mounted first", "[attach][machine]") {
    const std::string mounts =
        "sysfs /sys sysfs rw 0 0\nnodev /sys/kernel/tracing tracefs rw 0 0\nnodev /other tracefs rw 0 0\nshort\n"
        "tracefs /x bpf\n";
    CHECK(mount_point(mounts, "tracefs") == "/sys/kernel/tracing");
    CHECK(mount_point(mounts, "bpf") == "/x");
    CHECK(mount_point(mounts, "cgroup2").empty());
    CHECK(mount_point("", "bpf").empty());
}

TEST_CASE("capabilities are a number in hex", "[attach][machine]") {
    CHECK(effective_capabilities("Name:\tx\nCapPrm:\t1\nCapEff:\t000001ffffffffff\nCapBnd:\t0\n") == 0x1ffffffffff);
    CHECK(effective_capabilities("x\nCapEff:\t0") == 0);
    CHECK_FALSE(effective_capabilities("x\nCapEff:\tnone\n"));
    CHECK_FALSE(effective_capabilities(""));
}

TEST_CASE("BPF is one of the security modules, not a part of one's name", "[attach][machine]") {
    CHECK(names_bpf_lsm("lockdown,capability,bpf"));
    CHECK(names_bpf_lsm("bpf\n"));
    CHECK_FALSE(names_bpf_lsm("bpfilter,nobpf"));
    CHECK_FALSE(names_bpf_lsm(""));
}

TEST_CASE("CAP_SYS_ADMIN stands for CAP_BPF and CAP_PERFMON, not for CAP_NET_ADMIN", "[attach][machine]") {
    FakeGate gate;
    gate.files["/proc/self/status"] = "Name:\tx\nCapEff:\t0000000000200000\n";
    CHECK(finding(gate, "CAP_BPF").state == Finding::State::present);
    CHECK(finding(gate, "CAP_PERFMON").state == Finding::State::present);
    CHECK(finding(gate, "CAP_NET_ADMIN").state == Finding::State::missing);
    CHECK_THAT(finding(gate, "CAP_NET_ADMIN").remedy, contains("root"));
    CHECK(gate.open_fds().empty());
}

TEST_CASE("trampolines are what loading and attaching a program says", "[attach][machine]") {
    FakeGate gate;
    CHECK(finding(gate, "trampolines").state == Finding::State::unknown);
    add_types(gate);
    CHECK(finding(gate, "trampolines").state == Finding::State::present);
    const ProgLoad& load = *gate.calls<ProgLoad>()[0];
    CHECK(load.insns.size() == 2);
    CHECK(load.attach_btf_id == 3);
    CHECK(gate.open_fds().empty());
    gate.fail<RawTracepointOpen>(524);
    CHECK(finding(gate, "trampolines").state == Finding::State::missing);
    gate.on<ProgLoad>([](const ProgLoad& call) -> std::optional<Answer> {
        if (call.type == BPF_PROG_TYPE_TRACING) return FakeGate::failure(EPERM);
        return std::nullopt;
    });
    CHECK(finding(gate, "trampolines").state == Finding::State::missing);
    gate.fail<ProgLoad>(EPERM);
    CHECK(finding(gate, "trampolines").state == Finding::State::unknown);
    CHECK(gate.open_fds().empty());
}

TEST_CASE("where nothing can be read, that is what is found", "[attach][machine]") {
    FakeGate gate;
    gate.fail<OpenAt>(EACCES);
    for (const Finding& found : examine_machine(gate)) {
        INFO(found.what);
        CHECK(found.state != Finding::State::present);
        CHECK_FALSE(found.value.empty());
    }
    CHECK(gate.open_fds().empty());
}
