// Attaching for tracing against a kernel that is a test's own: what is asked before, which calls, and what errors say.
#include <cerrno>

#include <tests/catch.hpp>
#include <tests/error_of.hpp>
#include <tests/fake_gate.hpp>
#include <tests/unit/attach/loaded_program.hpp>

#include <libminibpf/attach/attach.hpp>
#include <libminibpf/base/error.hpp>

using namespace minibpf;
using minibpf::test::contains;
using minibpf::test::error_of;
using minibpf::test::FakeGate;
using minibpf::test::Loaded;

namespace {

FakeGate& with_symbols(FakeGate& gate, const std::string& symbols) {
    gate.files["/proc/kallsyms"] = symbols;
    gate.files["/sys/bus/event_source/devices/kprobe/type"] = "8\n";
    gate.fail<PerfEventOpen>(ENOENT);
    return gate;
}

ErrorDetail kprobe_error(FakeGate& gate, const std::string& function) {
    const Loaded hello(gate, "kprobe/" + function);
    return error_of([&] { attach(gate, hello.program); }).detail();
}

}  // namespace

TEST_CASE("an LSM program on a kernel that does not run BPF's module is an error with the boot option", "[attach]") {
    FakeGate gate;
    gate.files["/sys/kernel/security/lsm"] = "lockdown,capability\n";
    const Loaded hello(gate, "lsm/file_open");
    const Error error = error_of([&] { attach(gate, hello.program); });
    CHECK(error.detail().blame == Blame::facility);
    CHECK_THAT(error.detail().hint, contains("lsm=lockdown,capability,bpf"));
    CHECK(gate.count<RawTracepointOpen>() == 0);
    gate.files["/sys/kernel/security/lsm"] = "lockdown,capability,bpf";
    CHECK(attach(gate, hello.program).link_fd() >= 0);
    gate.files.erase("/sys/kernel/security/lsm");
    CHECK(attach(gate, hello.program).link_fd() >= 0);
    CHECK(gate.errors().empty());
}

TEST_CASE("a cgroup's LSM program is as idle without BPF's module, and is not attached", "[attach]") {
    FakeGate gate;
    gate.files["/sys/kernel/security/lsm"] = "lockdown,capability\n";
    gate.files["/sys/fs/cgroup/demo"] = "";
    const Loaded hello(gate, "lsm_cgroup/socket_create");
    for (const AttachBy by : {AttachBy::link, AttachBy::older}) {
        const Error error =
            error_of([&] { attach(gate, hello.program, parse_hook("lsm_cgroup:/sys/fs/cgroup/demo"), {.by = by}); });
        CHECK(error.detail().blame == Blame::facility);
        CHECK_THAT(error.detail().hint, contains("lsm=lockdown,capability,bpf"));
    }
    CHECK(gate.count<LinkCreate>() + gate.count<ProgAttach>() == 0);
    gate.files["/sys/kernel/security/lsm"] = "lockdown,capability,bpf\n";
    CHECK(attach(gate, hello.program, parse_hook("lsm_cgroup:/sys/fs/cgroup/demo")).link_fd() >= 0);
    CHECK(gate.open_fds().size() == 1);  // the program
}

TEST_CASE("a program that was loaded for one function is not attached to another", "[attach]") {
    FakeGate gate;
    const Loaded hello(gate, "fentry/vfs_read");
    for (const char* hook : {"fentry:vfs_write", "fexit:vfs_read"}) {
        const Error error = error_of([&] { attach(gate, hello.program, parse_hook(hook)); });
        CHECK(error.detail().blame == Blame::usage);
        CHECK_THAT(error.what(), contains("was loaded for fentry:vfs_read"));
    }
    CHECK(attach(gate, hello.program, parse_hook("fentry:vfs_read")).link_fd() >= 0);
    const Loaded iterator(gate, "iter/task");
    CHECK(error_of([&] { attach(gate, iterator.program, parse_hook("iter:cgroup")); }).detail().blame == Blame::usage);
}

TEST_CASE("a function that the compiler renamed is named as the kernel has it", "[attach]") {
    FakeGate gate;
    with_symbols(gate,
                 "ffffffff81000000 T do_unlinkat\n"
                 "ffffffff81000010 t do_rename.cold\n"
                 "ffffffff81000020 t do_rename.isra.0\n"
                 "ffffffff81000030 D do_mkdir\n"
                 "ffffffff81000040 t kprobe_dispatcher\t[some_module]\n");
    CHECK_THAT(kprobe_error(gate, "do_rename").hint, contains("do_rename.isra.0"));
    CHECK_THAT(kprobe_error(gate, "do_unlink").hint, contains("did you mean do_unlinkat?"));
    CHECK_THAT(kprobe_error(gate, "kprobe_dispatcher").hint, contains("kept from tracing"));
    CHECK_THAT(kprobe_error(gate, "do_mkdir").hint, contains("available_filter_functions"));
    CHECK(kprobe_error(gate, "do_mkdir").blame == Blame::object);
    gate.files.erase("/proc/kallsyms");
    CHECK_THAT(kprobe_error(gate, "do_unlink").hint, contains("available_filter_functions"));
}

TEST_CASE("a kernel that is locked down says so where a program may not be attached", "[attach]") {
    FakeGate gate;
    gate.files["/sys/kernel/security/lockdown"] = "none integrity [confidentiality]\n";
    gate.fail<RawTracepointOpen>(EPERM);
    const Loaded hello(gate, "fentry/vfs_read");
    CHECK_THAT(error_of([&] { attach(gate, hello.program); }).detail().hint, contains("confidentiality"));
    gate.files["/sys/bus/event_source/devices/kprobe/type"] = "8\n";
    gate.fail<PerfEventOpen>(EPERM);
    CHECK_THAT(kprobe_error(gate, "vfs_read").hint, contains("confidentiality"));
    gate.files["/sys/kernel/security/lockdown"] = "[none] integrity confidentiality\n";
    CHECK_THAT(error_of([&] { attach(gate, hello.program); }).detail().hint, contains("CAP_BPF"));
}

TEST_CASE("a perf event is opened on each CPU, or once for a process", "[attach]") {
    FakeGate gate;
    const Loaded hello(gate, "perf_event");
    {
        const Link link = attach(gate, hello.program, parse_hook("perf_event:cpu-clock@49"));
        CHECK(gate.count<PerfEventOpen>() == 2);
        CHECK(gate.calls<PerfEventOpen>()[1]->cpu == 1);
        CHECK(gate.calls<PerfEventOpen>()[1]->sample_freq == 49);
        CHECK(gate.calls<PerfEventOpen>()[1]->pid == -1);
    }
    attach(gate, hello.program, parse_hook("perf_event:page-faults,pid=7"));
    CHECK(gate.count<PerfEventOpen>() == 3);
    CHECK(gate.calls<PerfEventOpen>()[2]->cpu == -1);
    CHECK(gate.calls<PerfEventOpen>()[2]->pid == 7);
    CHECK(gate.calls<PerfEventOpen>()[2]->sample_period == 1);
    CHECK(gate.open_fds().size() == 1);  // the program
    CHECK(gate.errors().empty());
}
