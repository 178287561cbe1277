// Attaching on the running kernel: a program runs at each hit of its hook from the attachment on, and not after.
#include <array>
#include <fstream>
#include <vector>

#include <libminibpf/attach/attach.hpp>
#include <tests/kernel/live.hpp>
#include <tests/kernel/loading.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

constexpr AttachOptions by_ioctl{};
constexpr AttachOptions by_link{.by = AttachBy::link, .cookie = 0x1122334455667788};

Object load_program(KernelGate& gate, const std::string& program) {
    return load(gate, for_this_process("kernel_hooks"), {.programs = {program}});
}

// Three hits before, five while it is attached, four after. A link says that it is at `target`, from Linux 6.6 on.
void check_counts_while_attached(KernelGate& gate, const std::string& program, const AttachOptions& options,
                                 const std::string& target = "") {
    Object object = load_program(gate, program);
    provoke_times(3);
    CHECK(hits(object) == 0);
    {
        const Link link = attach(gate, object.require_program(program), options);
        CHECK(link.event_fd() >= 0);
        CHECK((link.link_fd() >= 0) == (options.by == AttachBy::link));
        if (options.by == AttachBy::link) CHECK(target_of(gate, link) == (running_version() >= 0x0606 ? target : ""));
        provoke_times(5);
        CHECK(hits(object) == 5);
    }
    provoke_times(4);
    CHECK(hits(object) == 5);
}

}  // namespace

TEST_CASE("a tracepoint program runs at each hit while its perf event is open", "[attach]") {
    require_tracepoints();
    LiveGate gate;
    check_counts_while_attached(gate, "on_tracepoint", by_ioctl);
}

TEST_CASE("a tracepoint program attached by BPF_LINK_CREATE runs until the link is closed", "[attach]") {
    require_tracepoints();
    LiveGate gate;
    check_counts_while_attached(gate, "on_tracepoint", by_link, "tracepoint sys_enter_getpgid");
}

TEST_CASE("bpf_get_attach_cookie() gives the cookie of the link", "[attach]") {
    require_tracepoints();
    LiveGate gate;
    Object object = load_program(gate, "read_cookie");
    const Link link = attach(gate, object.require_program("read_cookie"), by_link);
    provoke();
    CHECK(hits(object) == 1);
    CHECK(variable<std::uint64_t>(object, "cookie") == by_link.cookie);
}

TEST_CASE("several programs on one tracepoint all run, and each is detached by itself", "[attach]") {
    require_tracepoints();
    LiveGate gate;
    Object object = load(gate, for_this_process("kernel_hooks"), {.programs = {"on_tracepoint", "on_tracepoint_too"}});
    const Link first = attach(gate, object.require_program("on_tracepoint"));
    {
        const Link second = attach(gate, object.require_program("on_tracepoint_too"));
        provoke_times(2);
    }
    provoke();
    CHECK(hits(object) == 3);
    CHECK(variable<std::uint64_t>(object, "second_hits") == 2);
}

TEST_CASE("one program on several tracepoints runs at each of them", "[attach]") {
    require_tracepoints();
    LiveGate gate;
    Object object = load_program(gate, "on_tracepoint");
    Program& program = object.require_program("on_tracepoint");
    std::vector<Link> links;
    for (const char* hook : {"tracepoint:syscalls/sys_enter_getpgid", "tracepoint:syscalls/sys_exit_getpgid",
                             "tracepoint:syscalls/sys_enter_getsid"}) {
        links.push_back(attach(gate, program, parse_hook(hook)));
    }
    provoke();
    CHECK(hits(object) == 2);
    syscall(SYS_getsid, 0);
    CHECK(hits(object) == 3);
    links.clear();
    provoke();
    syscall(SYS_getsid, 0);
    CHECK(hits(object) == 3);
}

TEST_CASE("a tracepoint that this kernel does not have is the object's error, with the nearest name", "[attach]") {
    require_tracepoints();
    LiveGate gate;
    Object object = load_program(gate, "on_tracepoint");
    const Holdings before = holdings();
    const Error error = error_of([&] {
        attach(gate, object.require_program("on_tracepoint"), parse_hook("tracepoint:syscalls/sys_enter_getpgidd"));
    });
    CHECK(error.detail().blame == Blame::object);
    CHECK_THAT(error.what(), contains("syscalls:sys_enter_getpgidd"));
    CHECK_THAT(error.detail().hint, contains("syscalls:sys_enter_getpgid?") || contains("syscalls:sys_enter_getpgid,"));
    CHECK(holdings() == before);
}

TEST_CASE("a raw tracepoint has a cookie, from 6.10 on", "[attach]") {
    require_bpf();
    LiveGate gate;
    const bool has_cookies = loads(gate, for_this_process("kernel_hooks"), "read_raw_cookie");
    Object object = load_program(gate, has_cookies ? "read_raw_cookie" : "on_raw_tracepoint");
    const Program& program = object.programs().front();
    const Holdings before = holdings();
    if (has_cookies) {
        const Link link = attach(gate, program, {.cookie = 4711});
        provoke();
        CHECK(variable<std::uint64_t>(object, "cookie") == 4711);
        CHECK(hits(object) == 1);
    } else {
        const Error error = error_of([&] { attach(gate, program, {.cookie = 4711}); });
        CHECK(error.detail().blame == Blame::facility);
        CHECK_THAT(error.detail().hint, contains("Linux 6.10"));
    }
    CHECK(holdings() == before);
}

TEST_CASE("a raw tracepoint program runs at each hit until its link is closed", "[attach]") {
    require_bpf();
    LiveGate gate;
    Object object = load_program(gate, "on_raw_tracepoint");
    {
        const Link link = attach(gate, object.require_program("on_raw_tracepoint"));
        CHECK(link.link_fd() >= 0);
        CHECK(link.event_fd() == -1);
        provoke_times(5);
        CHECK(hits(object) == 5);
    }
    provoke_times(4);
    CHECK(hits(object) == 5);
}

TEST_CASE("a raw tracepoint that this kernel does not have is the object's error", "[attach]") {
    require_bpf();
    LiveGate gate;
    Object object = load_program(gate, "on_raw_tracepoint");
    const Error error =
        error_of([&] { attach(gate, object.require_program("on_raw_tracepoint"), parse_hook("raw_tp:sys_entry")); });
    CHECK(error.detail().blame == Blame::object);
    CHECK_THAT(error.what(), contains("sys_entry"));
    CHECK_THAT(error.detail().hint, contains("sys_enter"));
}

TEST_CASE("a tracepoint program does not fit a raw tracepoint, and the error names both", "[attach]") {
    require_tracepoints();
    LiveGate gate;
    Object object = load_program(gate, "on_tracepoint");
    const Error error =
        error_of([&] { attach(gate, object.require_program("on_tracepoint"), parse_hook("raw_tp:sys_enter")); });
    CHECK(error.detail().blame == Blame::usage);
    CHECK_THAT(error.what(), contains("on_tracepoint") && contains("sys_enter"));
}

// Kprobes: by the PMU, by tracefs, by a link on either.

TEST_CASE("a kprobe of the PMU runs its program at each call of the function while it is attached",
          "[attach][kprobe]") {
    require_kprobe_pmu();
    LiveGate gate;
    check_counts_while_attached(gate, "on_kprobe", {.kprobe_by = KprobeBy::pmu});
}

TEST_CASE("a kprobe of tracefs runs its program at each call, and leaves no line in kprobe_events",
          "[attach][kprobe]") {
    require_kprobe_events();
    LiveGate gate;
    const Holdings before = holdings();
    REQUIRE(before.probes.empty());
    {
        Object object = load_program(gate, "on_kprobe");
        const Link link = attach(gate, object.require_program("on_kprobe"), {.kprobe_by = KprobeBy::tracefs});
        CHECK(holdings().probes.size() == 1);
        CHECK_THAT(*holdings().probes.begin(), contains("p:minibpf/" + get_syscall_fnname("getpgid")));
    }
    CHECK(holdings() == before);
    check_counts_while_attached(gate, "on_kprobe", {.kprobe_by = KprobeBy::tracefs});
    CHECK(holdings() == before);
}

TEST_CASE("a kprobe attached by BPF_LINK_CREATE runs until the link is closed", "[attach][kprobe]") {
    require_kprobe_pmu();
    LiveGate gate;
    check_counts_while_attached(gate, "on_kprobe", by_link, "kprobe " + get_syscall_fnname("getpgid"));
    check_counts_while_attached(gate, "on_kretprobe", by_link, "kretprobe " + get_syscall_fnname("getpgid"));
}

TEST_CASE("a kprobe of tracefs can be held by a link too", "[attach][kprobe]") {
    require_kprobe_events();
    LiveGate gate;
    const Holdings before = holdings();
    check_counts_while_attached(gate, "on_kprobe", {.by = AttachBy::link, .kprobe_by = KprobeBy::tracefs},
                                "kprobe " + get_syscall_fnname("getpgid"));
    CHECK(holdings() == before);
}

TEST_CASE("a kprobe's link has a cookie", "[attach][kprobe]") {
    require_kprobe_pmu();
    LiveGate gate;
    Object object = load_program(gate, "read_kprobe_cookie");
    const Link link = attach(gate, object.require_program("read_kprobe_cookie"), by_link);
    provoke();
    CHECK(variable<std::uint64_t>(object, "cookie") == by_link.cookie);
}

TEST_CASE("a kretprobe runs at each return and sees what the function returned", "[attach][kprobe]") {
    require_kprobe_pmu();
    LiveGate gate;
    for (const KprobeBy by : {KprobeBy::pmu, KprobeBy::tracefs}) {
        Object object = load_program(gate, "on_kretprobe");
        {
            const Link link = attach(gate, object.require_program("on_kretprobe"), {.kprobe_by = by});
            CHECK(provoke() == getpgrp());
            CHECK(variable<std::int64_t>(object, "result") == getpgrp());
            CHECK(provoke(-1) == -1);
            CHECK(variable<std::int64_t>(object, "result") == -ESRCH);
            CHECK(hits(object) == 2);
        }
        provoke_times(3);
        CHECK(hits(object) == 2);
    }
    CHECK(holdings().probes.empty());
}

TEST_CASE("a system call's kprobe finds the function by the architecture's name", "[attach][kprobe]") {
    require_kprobe_pmu();
    LiveGate gate;
    Object object = load_program(gate, "on_kprobe");
    const Link link = attach(gate, object.require_program("on_kprobe"), parse_hook("ksyscall:getsid"));
    provoke();
    CHECK(hits(object) == 0);
    syscall(SYS_getsid, 0);
    CHECK(hits(object) == 1);
}

TEST_CASE("a kprobe can be put behind the function's first instruction", "[attach][kprobe]") {
    require_kprobe_pmu();
    LiveGate gate;
    const std::string function = "kprobe:" + get_syscall_fnname("getpgid");
    for (const KprobeBy by : {KprobeBy::pmu, KprobeBy::tracefs}) {
        int attached = 0;
        int between = 0;
        Object object = load_program(gate, "on_kprobe");
        // Where the instructions begin depends on the kernel's build; the offsets in between are refused.
        for (std::uint64_t offset = 1; offset <= 16; ++offset) {
            Hook hook = parse_hook(function);
            hook.offset = offset;
            const std::uint64_t before = hits(object);
            const Holdings held = holdings();
            try {
                const Link link = attach(gate, object.require_program("on_kprobe"), hook, {.kprobe_by = by});
                provoke_times(2);
                CHECK(hits(object) == before + 2);
                ++attached;
            } catch (const Error& error) {
                CHECK_THAT(error.what(), contains(hook_text(hook)));
                // A few instructions are no place for a probe either: those that the kernel patches itself (EINVAL).
                const bool boundary = error.detail().code != EILSEQ;
                CHECK_THAT(error.detail().hint, contains(boundary ? "keeps probes out" : "middle of an instruction"));
                between += boundary ? 0 : 1;
            }
            CHECK(holdings() == held);
        }
        CHECK(attached >= 2);
        CHECK(between >= 2);
    }
}

TEST_CASE("a function that this kernel does not have is the object's error, which names it", "[attach][kprobe]") {
    require_kprobe_pmu();
    LiveGate gate;
    Object object = load_program(gate, "on_kprobe");
    const Holdings before = holdings();
    for (const KprobeBy by : {KprobeBy::pmu, KprobeBy::tracefs}) {
        for (const char* hook :
             {"kprobe:no_such_function_here", "kretprobe:no_such_function_here", "ksyscall:no_such_function_here"}) {
            const Error error = error_of(
                [&] { attach(gate, object.require_program("on_kprobe"), parse_hook(hook), {.kprobe_by = by}); });
            INFO(error.what());
            CHECK(error.detail().blame == Blame::object);
            CHECK_THAT(error.what(), contains("no_such_function_here"));
        }
    }
    CHECK(holdings() == before);
}

TEST_CASE("a function that may not be probed is an error that says why", "[attach][kprobe]") {
    require_kprobe_pmu();
    LiveGate gate;
    Object object = load_program(gate, "on_kprobe");
    const Holdings before = holdings();
    for (const KprobeBy by : {KprobeBy::pmu, KprobeBy::tracefs}) {
        // In __kprobes: the probe's own machinery would run into itself.
        const Error error = error_of([&] {
            attach(gate, object.require_program("on_kprobe"), parse_hook("kprobe:kprobe_dispatcher"),
                   {.kprobe_by = by});
        });
        INFO(error.what());
        CHECK(error.detail().code == EINVAL);
        CHECK_THAT(error.what(), contains("kprobe_dispatcher"));
        CHECK_THAT(error.detail().hint, contains("keeps probes out of this place"));
    }
    CHECK(holdings() == before);
}

TEST_CASE("one program on several functions runs in each of them", "[attach][kprobe]") {
    require_kprobe_pmu();
    LiveGate gate;
    for (const KprobeBy by : {KprobeBy::pmu, KprobeBy::tracefs}) {
        Object object = load_program(gate, "on_kprobe");
        std::vector<Link> links;
        for (const char* call : {"ksyscall:getpgid", "ksyscall:getsid", "ksyscall:getpriority"}) {
            links.push_back(attach(gate, object.require_program("on_kprobe"), parse_hook(call), {.kprobe_by = by}));
        }
        provoke();
        syscall(SYS_getsid, 0);
        syscall(SYS_getpriority, 0, 0);
        CHECK(hits(object) == 3);
        links.clear();
        provoke();
        syscall(SYS_getsid, 0);
        CHECK(hits(object) == 3);
    }
    CHECK(holdings().probes.empty());
}

TEST_CASE("several programs on one function all run, and each is detached by itself", "[attach][kprobe]") {
    require_kprobe_pmu();
    LiveGate gate;
    for (const AttachOptions& options :
         {AttachOptions{.kprobe_by = KprobeBy::pmu}, AttachOptions{.kprobe_by = KprobeBy::tracefs}, by_link}) {
        Object object = load(gate, for_this_process("kernel_hooks"), {.programs = {"on_kprobe", "on_kprobe_too"}});
        const Link first = attach(gate, object.require_program("on_kprobe"), options);
        {
            const Link second = attach(gate, object.require_program("on_kprobe_too"), options);
            provoke_times(2);
        }
        provoke();
        CHECK(hits(object) == 3);
        CHECK(variable<std::uint64_t>(object, "second_hits") == 2);
    }
    CHECK(holdings().probes.empty());
}

TEST_CASE("on a kernel without kprobes, attaching one is a missing facility, and a way round is named", "[attach]") {
    require_bpf();
    if (std::filesystem::exists("/sys/kernel/tracing/kprobe_events")) leave_skipped("this kernel has kprobes");
    LiveGate gate;
    Object object = load_program(gate, "on_kprobe");
    const Holdings before = holdings();
    for (const KprobeBy by : {KprobeBy::whichever, KprobeBy::pmu, KprobeBy::tracefs}) {
        const Error error = error_of([&] { attach(gate, object.require_program("on_kprobe"), {.kprobe_by = by}); });
        CHECK(error.detail().blame == Blame::facility);
        CHECK_THAT(error.detail().hint, contains("CONFIG_KPROBES") && contains("tracepoint"));
    }
    CHECK(holdings() == before);
}
