// What is tied to its place at the load, or attached in many places at once, on the running kernel: it runs for the
// event provoked, and not after the detach. No trampolines, no fprobe: skipped, and run in the virtual machines.
#include <array>
#include <functional>
#include <optional>

#include <libminibpf/attach/attach.hpp>
#include <libminibpf/load/kernel_types.hpp>
#include <tests/kernel/attach_sweep.hpp>
#include <tests/kernel/live.hpp>
#include <tests/kernel/loading.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

constexpr AttachOptions by_older{.by = AttachBy::older};
constexpr AttachOptions linked{.by = AttachBy::link, .cookie = 0x1122334455667788};

Object load_tracing(KernelGate& gate, const std::string& program) {
    return load(gate, for_this_process("tracing_hooks"), {.programs = {program}});
}

void require_trampolines(KernelGate& gate) {
    require_kernel_btf();
    skip_unless_kernel_has("fentry", has_trampolines(gate));
}

bool has_fprobe() {
    return kallsyms_address("register_fprobe") != 0;
}

void require_fprobe() {
    require_bpf();
    skip_unless_kernel_has("kprobe.multi", has_fprobe());
}

// None before, five calls while it is attached, and none of the four after. Its link says that it is at `target`.
// `each`: how often it runs for a call.
void check_runs_while_attached(KernelGate& gate, const std::string& program, const AttachOptions& options,
                               const std::string& target, std::uint64_t each = 1) {
    INFO(program << (options.by == AttachBy::link ? " by link" : " the older way"));
    Object object = load_tracing(gate, program);
    provoke_times(3);
    CHECK(hits(object) == 0);
    const Holdings before = holdings();
    {
        const Link link = attach(gate, object.require_program(program), options);
        CHECK(link.link_fd() >= 0);
        CHECK(target_of(gate, link) == target);
        provoke_times(5);
        CHECK(hits(object) == 5 * each);
    }
    provoke_times(4);
    CHECK(hits(object) == 5 * each);
    CHECK(holdings() == before);
}

// Whatever call of the attachment fails, nothing is left and nothing runs.
void check_fault_sweep(const std::string& program, const AttachOptions& options,
                       const std::function<void()>& provoke_it) {
    INFO(program << (options.by == AttachBy::link ? " by link" : " the older way"));
    LiveGate live;
    Object object = load_tracing(live, program);
    sweep_attach([&](KernelGate& gate) { return attach(gate, object.require_program(program), options); },
                 counts(object, provoke_it), {ENOMEM, EPERM});
}

// A call of getpgid(2) that asks the security modules.
long provoke_security() {
    return provoke(getpid());
}

// The program says EPERM in the function's place, while it is attached and not after.
void check_decides(KernelGate& gate, const std::string& program, const std::string& target) {
    for (const AttachOptions& options : {by_older, linked}) {
        Object object = load_tracing(gate, program);
        CHECK(provoke_security() == getpgrp());
        {
            const Link link = attach(gate, object.require_program(program), options);
            CHECK(target_of(gate, link) == target);
            CHECK(provoke_security() == -1);
            CHECK(errno == EPERM);
            CHECK(hits(object) == 1);
        }
        CHECK(provoke_security() == getpgrp());
        CHECK(hits(object) == 1);
    }
}

}  // namespace

TEST_CASE("a tp_btf program runs at each hit until its link is closed", "[attach][tracing]") {
    require_kernel_btf();
    LiveGate gate;
    check_runs_while_attached(gate, "on_tp_btf", by_older, "sys_enter");
    check_runs_while_attached(gate, "on_tp_btf", linked, "sys_enter");
    check_fault_sweep("on_tp_btf", linked, [] { provoke(); });
}

TEST_CASE("an fentry program runs at each call of its function, by both ways, and has a cookie", "[attach][tracing]") {
    LiveGate gate;
    require_trampolines(gate);
    check_runs_while_attached(gate, "on_fentry", by_older, "trace_fentry __x64_sys_getpgid");
    check_runs_while_attached(gate, "on_fentry", linked, "trace_fentry __x64_sys_getpgid");
    Object object = load_tracing(gate, "on_fentry");
    const Link link = attach(gate, object.require_program("on_fentry"), linked);
    provoke();
    CHECK(variable<std::uint64_t>(object, "cookie") == linked.cookie);
}

TEST_CASE("when any call fails, no fentry program stays at its function", "[attach][tracing][fault]") {
    LiveGate gate;
    require_trampolines(gate);
    check_fault_sweep("on_fentry", by_older, [] { provoke(); });
    check_fault_sweep("on_fentry", linked, [] { provoke(); });
}

TEST_CASE("an fexit program runs at each return and sees the result", "[attach][tracing]") {
    LiveGate gate;
    require_trampolines(gate);
    check_runs_while_attached(gate, "on_fexit", by_older, "trace_fexit __x64_sys_getpgid");
    check_runs_while_attached(gate, "on_fexit", linked, "trace_fexit __x64_sys_getpgid");
    Object object = load_tracing(gate, "on_fexit");
    const Link link = attach(gate, object.require_program("on_fexit"));
    CHECK(provoke() == getpgrp());
    CHECK(variable<std::int64_t>(object, "result") == getpgrp());
    check_fault_sweep("on_fexit", by_older, [] { provoke(); });
}

TEST_CASE("an fmod_ret program answers in the function's place until its link is closed", "[attach][tracing]") {
    LiveGate gate;
    require_trampolines(gate);
    check_decides(gate, "on_fmod_ret", "modify_return security_task_getpgid");
    check_fault_sweep("on_fmod_ret", by_older, [] { provoke_security(); });
    check_fault_sweep("on_fmod_ret", linked, [] { provoke_security(); });
}

TEST_CASE("an LSM program decides until its link is closed", "[attach][tracing]") {
    LiveGate gate;
    require_lsm();
    check_decides(gate, "on_lsm", "lsm_mac bpf_lsm_task_getpgid");
    check_fault_sweep("on_lsm", linked, [] { provoke_security(); });
}

TEST_CASE("a writable raw tracepoint's program changes what the kernel goes on with", "[attach][tracing]") {
    LiveGate gate;
    require_bpf();
    Object object = load(gate, for_this_process("tracing_hooks"), {.programs = {"on_writable", "pass"}});
    const auto test_run = [&] {
        char packet[64] = {};
        bpf_attr attr{};
        attr.test.prog_fd = static_cast<__u32>(object.require_program("pass").fd());
        attr.test.data_in = reinterpret_cast<std::uintptr_t>(packet);
        attr.test.data_size_in = sizeof packet;
        return syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attr, sizeof attr.test) == 0 ? 0 : errno;
    };
    CHECK(test_run() == 0);
    {
        const Link link = attach(gate, object.require_program("on_writable"));
        CHECK(test_run() == EIO);
        CHECK(hits(object) == 1);
    }
    CHECK(test_run() == 0);
    CHECK(hits(object) == 1);
    check_fault_sweep("on_writable", {}, [&] { test_run(); });
}

// kprobe.multi and its like: by name, by pattern, at the return, at both.

TEST_CASE("a kprobe.multi program runs in each function that matches a pattern", "[attach][tracing]") {
    require_fprobe();
    LiveGate gate;
    check_runs_while_attached(gate, "on_kprobe_multi", {}, "2 functions");
    Object object = load_tracing(gate, "on_kprobe_multi");
    const Program& program = object.require_program("on_kprobe_multi");
    {
        const Link link = attach(gate, program, {.cookie = 77});
        provoke();
        CHECK(hits(object) == 1);
        CHECK(variable<std::uint64_t>(object, "cookie") == 77);
        syscall(SYS_getpriority, 0, 0);  // matches the pattern too
        CHECK(hits(object) == 2);
    }
    {
        const Link link = attach(gate, program, parse_hook("kprobe.multi:__x64_sys_getsid"));
        provoke();
        CHECK(hits(object) == 2);
        syscall(SYS_getsid, 0);
        CHECK(hits(object) == 3);
    }
    syscall(SYS_getsid, 0);
    CHECK(hits(object) == 3);
    check_fault_sweep("on_kprobe_multi", {}, [] { provoke(); });
}

TEST_CASE("a kretprobe.multi program runs at the return and sees the result", "[attach][tracing]") {
    require_fprobe();
    LiveGate gate;
    check_runs_while_attached(gate, "on_kretprobe_multi", {}, "1 function");
    Object object = load_tracing(gate, "on_kretprobe_multi");
    const Link link = attach(gate, object.require_program("on_kretprobe_multi"));
    provoke();
    CHECK(variable<std::int64_t>(object, "result") == getpgrp());
    check_fault_sweep("on_kretprobe_multi", {}, [] { provoke(); });
}

TEST_CASE("a kprobe.session program runs at the call and at the return", "[attach][tracing]") {
    require_fprobe();
    LiveGate gate;
    skip_unless_kernel_has("kprobe.session", running_version() >= 0x060a);
    check_runs_while_attached(gate, "on_kprobe_session", {}, "1 function", 2);
    check_fault_sweep("on_kprobe_session", {}, [] { provoke(); });
}

TEST_CASE("on a kernel without fprobe, kprobe.multi is a missing facility, and kprobe is named", "[attach][tracing]") {
    require_kprobe_events();
    if (has_fprobe()) leave_skipped("this kernel has fprobe");
    LiveGate gate;
    const Holdings before = holdings();
    const Error error = error_of([&] {
        Object object = load_tracing(gate, "on_kprobe_multi");
        attach(gate, object.require_program("on_kprobe_multi"));
    });
    CHECK(error.detail().blame == Blame::facility);
    CHECK_THAT(error.detail().hint, contains("kprobe, one function at a time"));
    CHECK(holdings() == before);
}

TEST_CASE("a pattern or a name of kprobe.multi that no function has is the object's error", "[attach][tracing]") {
    require_fprobe();
    LiveGate gate;
    Object object = load_tracing(gate, "on_kprobe_multi");
    for (const char* hook : {"kprobe.multi:no_such_function_*", "kprobe.multi:__x64_sys_getpgidd"}) {
        const Error error =
            error_of([&] { attach(gate, object.require_program("on_kprobe_multi"), parse_hook(hook)); });
        INFO(error.what());
        CHECK(error.detail().blame == Blame::object);
    }
}

// freplace: where the load said, and in another program.

TEST_CASE("an freplace program runs in the place of a function, where the load said and elsewhere",
          "[attach][tracing]") {
    LiveGate gate;
    require_trampolines(gate);
    Object first = load(gate, data("replaced"));
    Object second = load(gate, data("replaced"));
    const int first_fd = first.programs().front().fd();
    const int second_fd = second.programs().front().fd();
    const std::uint32_t usual = run_with_packet(first_fd);
    ObjectSpec spec = data("replacement");
    LoadOptions options;
    options.target_prog_fds["replacement"] = first_fd;
    for (const AttachBy by : {AttachBy::older, AttachBy::link}) {
        Object again = load(gate, spec, options);
        {
            const Link link = attach(gate, again.programs().front(), {.by = by});
            CHECK_THAT(
                target_of(gate, link),
                contains("freplace ") && contains("of program " + std::to_string(id_of(first.programs().front()))));
            CHECK(run_with_packet(first_fd) != usual);
            CHECK(run_with_packet(second_fd) == usual);
        }
        CHECK(run_with_packet(first_fd) == usual);
    }
    Object again = load(gate, spec, options);
    {
        const Link link = attach(gate, again.programs().front(), {.target_prog_fd = second_fd});
        CHECK(run_with_packet(second_fd) != usual);
        CHECK(run_with_packet(first_fd) == usual);
    }
    CHECK(run_with_packet(second_fd) == usual);
}

TEST_CASE("when any call fails, a function that was to be replaced is its own again", "[attach][tracing][fault]") {
    LiveGate gate;
    require_trampolines(gate);
    Object first = load(gate, data("replaced"));
    Object second = load(gate, data("replaced"));
    const std::uint32_t usual = run_with_packet(first.programs().front().fd());
    LoadOptions loading;
    loading.target_prog_fds["replacement"] = first.programs().front().fd();
    struct Attempt {
        AttachOptions options;
        const Object& target;
    };
    for (const Attempt& attempt : {Attempt{by_older, first}, Attempt{{.by = AttachBy::link}, first},
                                   Attempt{{.target_prog_fd = second.programs().front().fd()}, second}}) {
        std::optional<Object> replacing(load(gate, data("replacement"), loading));
        sweep_attach(
            [&](KernelGate& failing) {
                // Where the load said it can be attached once.
                replacing.reset();
                replacing.emplace(load(gate, data("replacement"), loading));
                return attach(failing, replacing->programs().front(), attempt.options);
            },
            [&] { return run_with_packet(attempt.target.programs().front().fd()) != usual; });
    }
}

// Kretprobes with room for more calls, and what is said of functions that are not to be had.

TEST_CASE("a kretprobe with maxactive is a line r[N] of kprobe_events", "[attach][tracing]") {
    require_kprobe_events();
    LiveGate gate;
    Object object = load(gate, for_this_process("kernel_hooks"), {.programs = {"on_kretprobe"}});
    const Program& program = object.require_program("on_kretprobe");
    const Holdings before = holdings();
    {
        const Link link = attach(gate, program, {.maxactive = 64});
        REQUIRE(holdings().probes.size() == 1);
        CHECK_THAT(*holdings().probes.begin(), contains("r64:minibpf/"));
        provoke_times(5);
        CHECK(hits(object) == 5);
    }
    provoke();
    CHECK(hits(object) == 5);
    CHECK(holdings() == before);
    const Error error = error_of([&] { attach(gate, program, parse_hook("ksyscall:getpgid"), {.maxactive = 64}); });
    CHECK(error.detail().blame == Blame::usage);
}

TEST_CASE("when any call fails, no kretprobe with maxactive is left", "[attach][tracing][fault]") {
    require_kprobe_events();
    LiveGate gate;
    Object object = load(gate, for_this_process("kernel_hooks"), {.programs = {"on_kretprobe"}});
    for (const AttachBy by : {AttachBy::older, AttachBy::link}) {
        sweep_attach(
            [&](KernelGate& failing) {
                return attach(failing, object.require_program("on_kretprobe"), {.by = by, .maxactive = 64});
            },
            counts(object, [] { provoke(); }));
    }
}

TEST_CASE("a misspelt function's nearest names are told, and a split one's full name", "[attach][tracing]") {
    require_kprobe_pmu();
    LiveGate gate;
    Object object = load(gate, for_this_process("kernel_hooks"), {.programs = {"on_kprobe"}});
    const auto hint_for = [&](const std::string& function) {
        const Error error =
            error_of([&] { attach(gate, object.require_program("on_kprobe"), parse_hook("kprobe:" + function)); });
        CHECK(error.detail().blame == Blame::object);
        return error.detail().hint;
    };
    CHECK_THAT(hint_for("do_unlinkatt"), contains("did you mean do_unlinkat?"));
    std::ifstream symbols("/proc/kallsyms");
    for (std::string address, type, symbol, rest;
         symbols >> address >> type >> symbol && std::getline(symbols, rest);) {
        const std::size_t suffix = symbol.find(".isra.");
        if (suffix == std::string::npos || type != "t" || rest.find('[') != std::string::npos) continue;
        const std::string plain = symbol.substr(0, suffix);
        if (symbol.find('.', suffix + 6) != std::string::npos || kallsyms_address(plain) != 0) continue;
        CHECK_THAT(hint_for(plain), contains("calls it " + plain + "."));
        return;
    }
}

TEST_CASE("fentry for a function that the compiler changed is told its name", "[load][tracing]") {
    require_kernel_btf();
    LiveGate gate;
    KernelTypes types(gate, "");
    std::ifstream symbols("/proc/kallsyms");
    for (std::string address, type, symbol, rest;
         symbols >> address >> type >> symbol && std::getline(symbols, rest);) {
        const std::size_t suffix = symbol.find(".isra.");
        if (suffix == std::string::npos || type != "t" || rest.find('[') != std::string::npos) continue;
        const std::string plain = symbol.substr(0, suffix);
        if (symbol.find('.', suffix + 6) != std::string::npos || kallsyms_address(plain) != 0) continue;
        if (types.find(btf::Kind::func, plain)) continue;
        ObjectSpec spec = for_this_process("tracing_hooks");
        ProgramSpec* fentry = nullptr;
        for (ProgramSpec& program : spec.programs) {
            if (program.kind.hook.kind == HookKind::fentry) fentry = &program;
        }
        REQUIRE(fentry != nullptr);
        fentry->kind.hook.target = plain;
        const ErrorDetail error = error_of([&] { load(gate, spec, {.programs = {fentry->name}}); }).detail();
        CHECK(error.blame == Blame::object);
        CHECK_THAT(error.hint, contains("calls it " + plain + ".") && contains("kprobe:" + plain));
        return;
    }
    leave_skipped("this kernel has no function that is .isra only");
}
