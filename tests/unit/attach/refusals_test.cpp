// What is said when a kernel refuses an attachment: the same errno means one thing here and another there.
#include <cerrno>

#include <tests/catch.hpp>
#include <tests/error_of.hpp>
#include <tests/fake_gate.hpp>
#include <tests/unit/attach/loaded_program.hpp>

#include <libminibpf/attach/attach.hpp>
#include <libminibpf/base/error.hpp>
#include <libminibpf/load/loader.hpp>

using namespace minibpf;
using minibpf::test::contains;
using minibpf::test::error_of;
using minibpf::test::FakeGate;
using minibpf::test::Loaded;

namespace {

ErrorDetail refusal(FakeGate& gate, const Loaded& hello, const std::string& hook, const AttachOptions& options = {}) {
    return error_of([&] { attach(gate, hello.program, parse_hook(hook), options); }).detail();
}

/// A process with these capabilities.
void give(FakeGate& gate, const char* effective) {
    gate.files["/proc/self/status"] = std::string("Name:\tloader\nCapEff:\t") + effective + "\n";
}

constexpr const char* all = "000001ffffffffff";
constexpr const char* all_but_net_admin_and_sys_admin = "000001ffffdfefff";
constexpr const char* all_but_perfmon_and_sys_admin = "000001bfffdfffff";
constexpr const char* all_but_net_admin = "000001ffffffefff";
constexpr const char* none = "0000000000000000";

}  // namespace

// Which capability is missing.

TEST_CASE("an attachment that is refused for want of a capability names it, and no other", "[attach][refusal]") {
    FakeGate gate;
    gate.files["/sys/fs/cgroup/demo"] = "";
    gate.fail<LinkCreate>(EPERM);
    gate.fail<ProgAttach>(EPERM);
    give(gate, all_but_net_admin_and_sys_admin);
    const Loaded skb(gate, "cgroup_skb/egress"), xdp(gate, "xdp"), tracing(gate, "fentry/vfs_read");
    for (const AttachBy by : {AttachBy::link, AttachBy::older}) {
        const ErrorDetail error = refusal(gate, skb, "cgroup_skb/egress:/sys/fs/cgroup/demo", {.by = by});
        CHECK(error.hint == "CAP_NET_ADMIN is missing: run as root, or grant it");
        CHECK(error.blame == Blame::facility);
    }
    gate.fail<ProgAttach>(EINVAL);
    CHECK_THAT(refusal(gate, skb, "cgroup_skb/egress:/sys/fs/cgroup/demo", {.by = AttachBy::older}).hint,
               contains("CAP_NET_ADMIN is missing"));
    CHECK(refusal(gate, xdp, "xdp:eth0").hint == "CAP_NET_ADMIN is missing: run as root, or grant it");
    give(gate, all_but_perfmon_and_sys_admin);
    gate.fail<RawTracepointOpen>(EPERM);
    CHECK(refusal(gate, tracing, "fentry:vfs_read").hint == "CAP_PERFMON is missing: run as root, or grant it");
    CHECK_THAT(refusal(gate, skb, "cgroup_skb/egress:/sys/fs/cgroup/demo").hint, contains("does not allow others"));
}

TEST_CASE("CAP_SYS_ADMIN stands for the others in bpf(2), and not in netlink", "[attach][refusal]") {
    FakeGate gate;
    gate.fail<LinkCreate>(EPERM);
    gate.fail<SendTo>(EPERM);
    give(gate, all_but_net_admin);
    const Loaded xdp(gate, "xdp");
    CHECK_THAT(refusal(gate, xdp, "xdp:eth0").hint, !contains("is missing"));
    CHECK_THAT(refusal(gate, xdp, "xdp:eth0", {.by = AttachBy::older}).hint, contains("CAP_NET_ADMIN is missing"));
}

TEST_CASE("a load that is refused names the capabilities that are missing", "[load][refusal]") {
    const bpf_insn insns[2] = {{.code = 0xb7, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}, {.code = 0x95}};
    const auto hint_of = [&](const char* hook, const char* capabilities) {
        FakeGate gate;
        gate.fail<ProgLoad>(EPERM);
        give(gate, capabilities);
        return error_of([&] {
                   load(gate, parse_raw_instructions(std::as_bytes(std::span(insns)), "two.text",
                                                     program_kind_at(parse_hook(hook)), "GPL"));
               })
            .detail()
            .hint;
    };
    CHECK(hint_of("tracepoint:a/b", all_but_perfmon_and_sys_admin) ==
          "CAP_PERFMON is missing: run as root, or grant it");
    CHECK(hint_of("tracepoint:a/b", none) == "CAP_BPF and CAP_PERFMON are missing: run as root, or grant them");
    CHECK(hint_of("xdp:eth0", all_but_net_admin_and_sys_admin) == "CAP_NET_ADMIN is missing: run as root, or grant it");
    CHECK_THAT(hint_of("tracepoint:a/b", all), !contains("missing"));
}

// A kernel that is locked down.

TEST_CASE("a locked kernel is named as the reason by tracefs and by links, where root would be told to be root",
          "[attach][refusal]") {
    FakeGate gate;
    gate.files["/sys/kernel/security/lockdown"] = "none integrity [confidentiality]\n";
    gate.files["/sys/bus/event_source/devices/kprobe/type"] = "8\n";
    give(gate, all);
    gate.on<OpenAt>([](const OpenAt& call) -> std::optional<Answer> {
        if (call.path.starts_with("/sys/kernel/tracing")) return FakeGate::failure(EPERM);
        return std::nullopt;
    });
    gate.fail<LinkCreate>(EPERM);
    gate.fail<PerfEventOpen>(EPERM);
    const Loaded kprobe(gate, "kprobe/vfs_read"), multi(gate, "kprobe.multi/vfs_read"), clock(gate, "perf_event");
    CHECK_THAT(refusal(gate, kprobe, "kprobe:vfs_read", {.kprobe_by = KprobeBy::tracefs}).hint,
               contains("confidentiality"));
    CHECK_THAT(refusal(gate, multi, "kprobe.multi:vfs_*").hint, contains("confidentiality"));
    CHECK_THAT(refusal(gate, multi, "kprobe.multi:vfs_read").hint, contains("confidentiality"));
    CHECK_THAT(refusal(gate, clock, "perf_event:cpu-clock@9").hint, contains("confidentiality"));
    gate.files["/sys/kernel/security/lockdown"] = "[none] integrity confidentiality\n";
    CHECK_THAT(refusal(gate, kprobe, "kprobe:vfs_read", {.kprobe_by = KprobeBy::tracefs}).hint,
               contains("tracefs is root's alone"));
}

// Loaded for one kind of probe, attached as another.

TEST_CASE("a probe of one place is not attached to many, nor one of many to one", "[attach][refusal]") {
    FakeGate gate;
    gate.files["/opt/tool"] = "";
    const Loaded kprobe(gate, "kprobe/vfs_read"), multi(gate, "kprobe.multi/vfs_read"), uprobe(gate, "uprobe");
    for (const char* hook : {"kprobe.multi:vfs_read", "kretprobe.multi:vfs_*", "kprobe.session:vfs_read"}) {
        const ErrorDetail error = refusal(gate, kprobe, hook);
        CHECK(error.blame == Blame::usage);
        CHECK_THAT(error.doing, contains("was loaded for kprobe:vfs_read"));
    }
    CHECK(refusal(gate, multi, "kprobe.session:vfs_read").blame == Blame::usage);
    CHECK(refusal(gate, uprobe, "uprobe.multi:/opt/tool:16").blame == Blame::usage);
    CHECK(refusal(gate, multi, "kprobe:vfs_read", {.by = AttachBy::link}).blame == Blame::usage);
    CHECK(gate.count<LinkCreate>() == 0);
    CHECK(attach(gate, multi.program, parse_hook("kretprobe.multi:vfs_read")).link_fd() >= 0);
}

// A place that is taken.

TEST_CASE("a second flow dissector is told what holds the place, by either way", "[attach][refusal]") {
    FakeGate gate;
    gate.files["/proc/self/ns/net"] = "";
    const Loaded dissector(gate, "flow_dissector"), lookup(gate, "sk_lookup");
    const AttachOptions older{.by = AttachBy::older};
    const std::string there = "flow_dissector:/proc/self/ns/net";
    gate.fail<LinkCreate>(E2BIG);
    CHECK_THAT(refusal(gate, dissector, there).hint, contains("a link holds") && contains("there is one only"));
    CHECK_THAT(refusal(gate, lookup, "sk_lookup:/proc/self/ns/net").hint, contains("64 programs"));
    gate.fail<LinkCreate>(EEXIST);
    CHECK_THAT(refusal(gate, dissector, there).hint, contains("BPF_PROG_ATTACH") && contains("--older"));
    gate.fail<ProgAttach>(EEXIST);
    const auto by_program = [&] { return error_of([&] { attach(gate, dissector.program, older); }).detail().hint; };
    CHECK_THAT(by_program(), contains("a link holds"));
    gate.fail<ProgAttach>(EINVAL);
    CHECK_THAT(by_program(), contains("already"));
}

TEST_CASE("a place that is taken is told to be taken", "[attach][refusal]") {
    FakeGate gate;
    gate.files["/sys/fs/cgroup/demo"] = "";
    gate.fail<LinkCreate>(EEXIST);
    const Loaded tcx(gate, "tcx/ingress"), skb(gate, "cgroup_skb/egress"), message(gate, "sk_msg");
    CHECK_THAT(refusal(gate, tcx, "tcx/ingress:eth0").hint, contains("attached here already"));
    CHECK_THAT(refusal(gate, skb, "cgroup_skb/egress:/sys/fs/cgroup/demo").hint,
               contains("attached to this group already"));
    const AttachOptions to_map{.by = AttachBy::link, .map_fd = 9};
    gate.fail<LinkCreate>(EBUSY);
    CHECK_THAT(error_of([&] { attach(gate, message.program, to_map); }).detail().hint,
               contains("attached to the map already"));
    gate.fail<RawTracepointOpen>(EBUSY);
    const Loaded replacement(gate, "freplace/answer"), fentry(gate, "fentry/vfs_read");
    CHECK_THAT(error_of([&] { attach(gate, replacement.program); }).detail().hint,
               contains("another program replaces that function"));
    CHECK_THAT(error_of([&] { attach(gate, fentry.program); }).detail().hint, contains("something else holds"));
}

// Cookies of raw tracepoints.

TEST_CASE("a raw tracepoint's cookie is passed, and a kernel before 6.10 is told apart from a wrong program",
          "[attach][refusal]") {
    FakeGate gate;
    const Loaded hello(gate, "raw_tp/sys_enter");
    const AttachOptions with_cookie{.by = AttachBy::link, .cookie = 42};
    CHECK(attach(gate, hello.program, with_cookie).link_fd() >= 0);
    CHECK(gate.calls<RawTracepointOpen>().back()->cookie == 42);
    gate.fail<RawTracepointOpen>(EINVAL);
    const ErrorDetail old = error_of([&] { attach(gate, hello.program, with_cookie); }).detail();
    CHECK(old.blame == Blame::facility);
    CHECK_THAT(old.hint, contains("Linux 6.10"));
    gate.on<RawTracepointOpen>([](const RawTracepointOpen& call) -> std::optional<Answer> {
        return FakeGate::failure(call.prog_fd < 0 ? EBADF : EINVAL);
    });
    const ErrorDetail wrong = error_of([&] { attach(gate, hello.program, with_cookie); }).detail();
    CHECK(wrong.blame == Blame::kernel);
    CHECK_THAT(wrong.hint, contains("more arguments"));
    CHECK(gate.open_fds().size() == 1);  // the program
}

// Programs that are not attached, or not by us.

TEST_CASE("a program that is not attached to a hook is told what it is for", "[attach][refusal]") {
    FakeGate gate;
    const auto hint_of = [&](const char* section) {
        const Loaded hello(gate, section);
        const ErrorDetail error = error_of([&] { attach(gate, hello.program); }).detail();
        CHECK(error.blame == Blame::usage);
        CHECK_THAT(error.hint, !contains("tracepoint"));
        return error.hint;
    };
    CHECK_THAT(hint_of("xdp/devmap"), contains("devmap") && contains(".bpf_prog={.fd=hello}"));
    CHECK_THAT(hint_of("xdp/cpumap"), contains("cpumap") && contains(".qsize=192"));
    CHECK_THAT(hint_of("action"), contains("tc filter add"));
    CHECK_THAT(hint_of("lwt_xmit"), contains("encap bpf xmit pinned"));
    CHECK_THAT(hint_of("lwt_seg6local"), contains("End.BPF"));
    CHECK_THAT(hint_of("lirc_mode2"), contains("ir-keytable"));
    CHECK_THAT(hint_of("syscall"), contains("loader test"));
}

// A card that runs programs.

TEST_CASE("what is loaded for a network card says so, program and maps", "[load][offload]") {
    const bpf_insn insns[2] = {{.code = 0xb7, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}, {.code = 0x95}};
    ObjectSpec spec = parse_raw_instructions(std::as_bytes(std::span(insns)), "two.text",
                                             program_kind_at(parse_hook("xdp:eth0,offload")), "GPL");
    spec.programs[0].prog_ifindex = 2;
    spec.maps.push_back(
        {.name = "counts", .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 1});
    spec.maps[0].map_ifindex = 2;
    FakeGate gate;
    const Object object = load(gate, spec);
    REQUIRE(gate.count<ProgLoad>() == 1);
    CHECK(gate.calls<ProgLoad>()[0]->prog_ifindex == 2);
    REQUIRE(gate.count<MapCreate>() == 1);
    CHECK(gate.calls<MapCreate>()[0]->map_ifindex == 2);
}
