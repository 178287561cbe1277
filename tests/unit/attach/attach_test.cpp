// Attaching against a kernel that is a test's own: which calls, in which order, and what is left afterwards.
#include <map>

#include <linux/perf_event.h>

#include <tests/catch.hpp>
#include <tests/error_of.hpp>
#include <tests/fake_gate.hpp>
#include <tests/read_object.hpp>
#include <tests/unit/attach/probe_lines.hpp>

#include <libminibpf/attach/attach.hpp>
#include <libminibpf/base/error.hpp>
#include <libminibpf/load/loader.hpp>
#include <libminibpf/narrate/failing_gate.hpp>

using namespace minibpf;
using minibpf::test::error_of;
using minibpf::test::FakeGate;

namespace {

constexpr const char* execve_id = "/sys/kernel/tracing/events/syscalls/sys_enter_execve/id";
constexpr const char* pmu_type = "/sys/bus/event_source/devices/kprobe/type";

// A kernel with a tracefs, one tracepoint and, if wanted, a kprobe PMU.
FakeGate& with_files(FakeGate& gate, bool pmu = true) {
    gate.files[execve_id] = "862\n";
    gate.files["/sys/kernel/tracing/available_events"] = "syscalls:sys_enter_execve\nsched:sched_switch\n";
    if (pmu) gate.files[pmu_type] = "8\n";
    gate.on<OpenAt>([&gate](const OpenAt& call) -> std::optional<Answer> {
        if (!gate.files.contains(call.path) && !call.path.ends_with("kprobe_events")) return FakeGate::failure(ENOENT);
        return std::nullopt;
    });
    return gate;
}

// A loaded program of the type that `hook` runs.
Program program(KernelGate& gate, const std::string& hook = "kprobe:do_unlinkat") {
    static std::map<HookKind, ProgramSpec> specs;
    ProgramSpec& spec = specs[parse_hook(hook).kind];
    spec.name = "hello";
    const HookKind kind = parse_hook(hook).kind;
    spec.kind.type = kind == HookKind::tracepoint       ? BPF_PROG_TYPE_TRACEPOINT
                     : kind == HookKind::raw_tracepoint ? BPF_PROG_TYPE_RAW_TRACEPOINT
                                                        : BPF_PROG_TYPE_KPROBE;
    return Program(spec, Fd(gate, gate.enter(ProgLoad{}).fd()));
}

std::vector<std::string> calls_after(const FakeGate& gate, std::size_t first) {
    const std::vector<std::string> names = gate.call_names();
    return {names.begin() + static_cast<std::ptrdiff_t>(first), names.end()};
}

}  // namespace

TEST_CASE("a tracepoint is a perf event with the id that tracefs gives", "[attach]") {
    FakeGate gate;
    with_files(gate);
    const Program hello = program(gate, "tracepoint:syscalls/sys_enter_execve");
    const Link link = attach(gate, hello, parse_hook("tracepoint:syscalls/sys_enter_execve"));
    CHECK(calls_after(gate, 1) == std::vector<std::string>{"openat", "read", "close", "perf_event_open",
                                                           "ioctl(PERF_EVENT_IOC_SET_BPF)",
                                                           "ioctl(PERF_EVENT_IOC_ENABLE)"});
    const PerfEventOpen& open = *gate.calls<PerfEventOpen>()[0];
    CHECK(open.type == PERF_TYPE_TRACEPOINT);
    CHECK(open.config == 862);
    CHECK(open.sample_period == 1);
    CHECK(open.sample_type == PERF_SAMPLE_RAW);
    CHECK(open.wakeup_events == 1);
    CHECK(gate.calls<PerfEventSetBpf>()[0]->prog_fd == hello.fd());
}

TEST_CASE("a tracepoint that does not exist is an error with the nearest name", "[attach]") {
    FakeGate gate;
    with_files(gate);
    const Program hello = program(gate, "tracepoint:syscalls/sys_enter_exec");
    const Error error = error_of([&] { attach(gate, hello, parse_hook("tracepoint:syscalls/sys_enter_exec")); });
    CHECK(error.detail().blame == Blame::object);
    CHECK_THAT(error.detail().hint, test::contains("syscalls:sys_enter_execve"));
    CHECK(gate.open_fds() == std::vector<int>{hello.fd()});
}

TEST_CASE("where tracefs is mounted nowhere it is mounted", "[attach]") {
    FakeGate gate;
    bool mounted = false;
    gate.files[execve_id] = "862\n";
    gate.on<OpenAt>([&](const OpenAt&) -> std::optional<Answer> {
        if (!mounted) return FakeGate::failure(ENOENT);
        return std::nullopt;
    });
    gate.on<Mount>([&](const Mount& call) -> std::optional<Answer> {
        CHECK(call.target == "/sys/kernel/tracing");
        mounted = true;
        return Answer{};
    });
    const Program hello = program(gate, "tracepoint:syscalls/sys_enter_execve");
    const Link link = attach(gate, hello, parse_hook("tracepoint:syscalls/sys_enter_execve"));
    CHECK(gate.count<PerfEventOpen>() == 1);
}

TEST_CASE("a tracefs that cannot be mounted is a missing facility, with the command to type", "[attach]") {
    FakeGate gate;
    gate.fail<OpenAt>(ENOENT);
    gate.fail<Mount>(EPERM);
    const Program hello = program(gate, "tracepoint:syscalls/sys_enter_execve");
    const Error error = error_of([&] { attach(gate, hello, parse_hook("tracepoint:syscalls/sys_enter_execve")); });
    CHECK(error.detail().blame == Blame::facility);
    CHECK_THAT(error.detail().hint, test::contains("mount -t tracefs"));
}

TEST_CASE("a kprobe is a perf event of the kprobe PMU", "[attach]") {
    FakeGate gate;
    with_files(gate);
    const Program hello = program(gate);
    const Link link = attach(gate, hello, parse_hook("kprobe:do_unlinkat+0x10"));
    const PerfEventOpen& open = *gate.calls<PerfEventOpen>()[0];
    CHECK(open.type == 8);
    CHECK(open.config == 0);
    CHECK(open.kprobe_func == "do_unlinkat");
    CHECK(open.probe_offset == 0x10);
}

TEST_CASE("a kretprobe sets bit 0 of the PMU's config", "[attach]") {
    FakeGate gate;
    with_files(gate);
    const Program hello = program(gate);
    const Link link = attach(gate, hello, parse_hook("kretprobe:do_unlinkat"));
    CHECK(gate.calls<PerfEventOpen>()[0]->config == 1);
}

TEST_CASE("a system call's kprobe tries the wrapper's name first, then the old one", "[attach]") {
    FakeGate gate;
    with_files(gate);
    gate.on<PerfEventOpen>([](const PerfEventOpen& call) -> std::optional<Answer> {
        if (call.kprobe_func != "sys_execve") return FakeGate::failure(ENOENT);
        return std::nullopt;
    });
    const Program hello = program(gate);
    const Link link = attach(gate, hello, parse_hook("ksyscall:execve"));
    CHECK(gate.calls<PerfEventOpen>()[0]->kprobe_func == get_syscall_fnname("execve"));
    CHECK(gate.calls<PerfEventOpen>()[1]->kprobe_func == "sys_execve");
}

TEST_CASE("a function that cannot be probed is an error with its name", "[attach]") {
    FakeGate gate;
    with_files(gate);
    gate.fail<PerfEventOpen>(ENOENT);
    const Program hello = program(gate);
    const Error error = error_of([&] { attach(gate, hello, parse_hook("kprobe:do_nothing")); });
    CHECK(error.detail().blame == Blame::object);
    CHECK_THAT(error.what(), test::contains("do_nothing"));
}

TEST_CASE("a program of another type than the hook's is the caller's mistake, found before any call", "[attach]") {
    FakeGate gate;
    const Program hello = program(gate, "tracepoint:syscalls/sys_enter_execve");
    const Error error = error_of([&] { attach(gate, hello, parse_hook("raw_tp:sys_enter")); });
    CHECK(error.detail().blame == Blame::usage);
    CHECK_THAT(error.what(), test::contains("tracepoint") && test::contains("raw_tp:sys_enter"));
    CHECK(gate.log().size() == 1);  // the program's own
}

TEST_CASE("a function's name that would be a command of its own is refused before any call", "[attach]") {
    FakeGate gate;
    with_files(gate, false);
    const Program hello = program(gate);
    Hook hook;
    hook.kind = HookKind::kprobe;
    hook.target = "do_unlinkat\n-:other/event";
    const Error error = error_of([&] { attach(gate, hello, hook); });
    CHECK(error.detail().blame == Blame::object);
    CHECK(gate.log().size() == 1);  // the program's own
}

TEST_CASE("a name that 6.12's tracefs refuses with EINVAL is looked up in its error_log", "[attach]") {
    FakeGate gate;
    with_files(gate, false);
    gate.on<Write>([&](const Write& call) -> std::optional<Answer> {
        const std::string line(reinterpret_cast<const char*>(call.data.data()), call.data.size());
        gate.files["/sys/kernel/tracing/error_log"] =
            "[    4.69] trace_kprobe: error: Invalid probed address or symbol\n  Command: " + line + "\n    ^\n";
        return FakeGate::failure(EINVAL);
    });
    const Program hello = program(gate);
    const Error error = error_of([&] { attach(gate, hello, parse_hook("kprobe:do_nothing")); });
    CHECK(error.detail().blame == Blame::object);
    CHECK_THAT(error.what(), test::contains("no function do_nothing"));
}

TEST_CASE("without the kprobe PMU a probe is made in tracefs, and removed when the link dies", "[attach]") {
    FakeGate gate;
    with_files(gate, false);
    std::vector<std::string> lines;
    test::keep_probe_lines(gate, lines);
    const Program hello = program(gate);
    {
        const Link link = attach(gate, hello, parse_hook("kretprobe:do_unlinkat"));
        REQUIRE(lines.size() == 1);
        CHECK_THAT(lines[0], test::contains("r:minibpf/do_unlinkat_") && test::contains(" do_unlinkat+0"));
        CHECK(gate.calls<PerfEventOpen>()[0]->config == 1500);
    }
    REQUIRE(lines.size() == 2);
    CHECK(lines[1] == "-:" + lines[0].substr(2, lines[0].find(' ') - 2));
    CHECK(gate.open_fds() == std::vector<int>{hello.fd()});
}

TEST_CASE("a kernel without any kprobes is a missing facility, and a way round is named", "[attach]") {
    FakeGate gate;
    with_files(gate, false);
    gate.on<OpenAt>([](const OpenAt& call) -> std::optional<Answer> {
        if (call.path.ends_with("kprobe_events")) return FakeGate::failure(ENOENT);
        return std::nullopt;
    });
    const Program hello = program(gate);
    const Error error = error_of([&] { attach(gate, hello, parse_hook("kprobe:do_unlinkat")); });
    CHECK(error.detail().blame == Blame::facility);
    CHECK_THAT(error.detail().hint, test::contains("CONFIG_KPROBES") && test::contains("tracepoint"));
}

TEST_CASE("a raw tracepoint is one call, whose fd is the link", "[attach]") {
    FakeGate gate;
    const Program hello = program(gate, "raw_tp:sys_enter");
    {
        const Link link = attach(gate, hello, parse_hook("raw_tp:sys_enter"));
        CHECK(calls_after(gate, 1) == std::vector<std::string>{"bpf(BPF_RAW_TRACEPOINT_OPEN)"});
        CHECK(gate.calls<RawTracepointOpen>()[0]->name == "sys_enter");
    }
    CHECK(gate.open_fds() == std::vector<int>{hello.fd()});
}

TEST_CASE("on request a perf event is held by a BPF link", "[attach]") {
    FakeGate gate;
    with_files(gate);
    const Program hello = program(gate, "tracepoint:syscalls/sys_enter_execve");
    AttachOptions options;
    options.by = AttachBy::link;
    options.cookie = 42;
    const Link link = attach(gate, hello, parse_hook("tracepoint:syscalls/sys_enter_execve"), options);
    CHECK(gate.count<PerfEventSetBpf>() == 0);
    REQUIRE(gate.count<LinkCreate>() == 1);
    CHECK(gate.calls<LinkCreate>()[0]->attach_type == BPF_PERF_EVENT);
    CHECK(std::get<PerfEventLink>(gate.calls<LinkCreate>()[0]->details).bpf_cookie == 42);
    CHECK(link.link_fd() >= 0);
}

TEST_CASE("when any system call of an attach fails, only the program stays open and no probe is left",
          "[attach][fault]") {
    for (const char* hook :
         {"tracepoint:syscalls/sys_enter_execve", "kprobe:do_unlinkat", "ksyscall:execve", "raw_tp:sys_enter"}) {
        for (const bool pmu : {true, false}) {
            for (const AttachBy by : {AttachBy::older, AttachBy::link}) {
                for (int nth = 0;; ++nth) {
                    INFO(hook << (pmu ? " with" : " without") << " PMU, call " << nth);
                    REQUIRE(nth < 100);
                    FakeGate gate;
                    with_files(gate, pmu);
                    int probes = 0;
                    gate.on<Write>([&](const Write& call) -> std::optional<Answer> {
                        probes += static_cast<char>(call.data[0]) == '-' ? -1 : 1;
                        return std::nullopt;
                    });
                    const Program hello = program(gate, hook);
                    FailingGate failing(gate, nth, EINVAL);
                    AttachOptions options;
                    options.by = by;
                    try {
                        const Link link = attach(failing, hello, parse_hook(hook), options);
                    } catch (const Error&) {
                    }
                    CHECK(gate.open_fds() == std::vector<int>{hello.fd()});
                    CHECK(probes == 0);
                    if (!failing.has_failed()) break;
                }
            }
        }
    }
}
