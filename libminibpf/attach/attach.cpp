// Which file attaches which kind of hook, and the step that all perf-event hooks share.
#include <libminibpf/attach/attach.hpp>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include <libminibpf/kernel/kernel_error.hpp>

namespace minibpf {

namespace {

void set_program(KernelGate& gate, const Program& program, const std::string& where, int event_fd) {
    const PerfEventSetBpf call{.event_fd = event_fd, .prog_fd = program.fd()};
    const Answer answer =
        gate.enter(call, [&] { return fmt::format("{} runs each time the event is hit", program.name()); });
    if (answer.ok()) return;
    const Error error = kernel_error("attaching " + where, call, answer);
    if (answer.error != EACCES) throw error;
    throw error.with_hint("the program reads beyond this tracepoint's fields: look at the `format` file beside its id")
        .with_blame(Blame::object);
}

Fd create_link(KernelGate& gate, const Program& program, const std::string& where, int event_fd, std::uint64_t cookie) {
    const LinkCreate call{
        .prog_fd = program.fd(), .target_fd = event_fd, .attach_type = BPF_PERF_EVENT, .bpf_cookie = cookie};
    const Answer answer = gate.enter(
        call, [&] { return fmt::format("a link holds {} on the event until it is closed", program.name()); });
    if (!answer.ok())
        throw kernel_error("attaching " + where, call, answer,
                           answer.error == EINVAL ? "links to perf events need Linux 5.15" : "");
    return Fd(gate, answer.fd());
}

// The program types that a hook runs; empty for hooks that this version does not attach to.
std::vector<std::uint32_t> types_for(HookKind kind) {
    switch (kind) {
        case HookKind::tracepoint: return {BPF_PROG_TYPE_TRACEPOINT};
        case HookKind::kprobe:
        case HookKind::kretprobe:
        case HookKind::ksyscall:
        case HookKind::kretsyscall: return {BPF_PROG_TYPE_KPROBE};
        case HookKind::raw_tracepoint:
        case HookKind::raw_tracepoint_writable:
            return {BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE};
        default: return {};
    }
}

void check_kind(const Program& program, const Hook& hook) {
    const std::vector<std::uint32_t> types = types_for(hook.kind);
    if (types.empty()) {
        throw Error({.doing = fmt::format("program '{}': this version does not attach to '{}'", program.name(),
                                          hook_text(hook)),
                     .hint = "load it with --no-attach; tracepoint, raw_tracepoint, kprobe, kretprobe, ksyscall and "
                             "kretsyscall can be attached",
                     .blame = Blame::usage});
    }
    const auto type = program.spec().kind.type;
    if (std::find(types.begin(), types.end(), static_cast<std::uint32_t>(type)) != types.end()) return;
    throw Error({.doing = fmt::format("program '{}' is of type {} and cannot be attached to {}", program.name(),
                                      program_type_name(type), hook_text(hook)),
                 .hint = "change its SEC(), or --type where the section does not say",
                 .blame = Blame::usage});
}

}  // namespace

Link attach_to_event(KernelGate& gate, const Program& program, std::string description, TracefsProbe probe, Fd event,
                     const AttachOptions& options) {
    // When something fails, the event must die before the probe: tracefs keeps a probe that an event still uses
    // (EBUSY). Local variables die in reverse, parameters in an order that each compiler chooses.
    TracefsProbe owned_probe = std::move(probe);
    Fd owned_event = std::move(event);
    Fd link;
    if (options.use_link) {
        link = create_link(gate, program, description, owned_event.get(), options.cookie);
    } else {
        set_program(gate, program, description, owned_event.get());
    }
    const PerfEventEnable call{.event_fd = owned_event.get()};
    const Answer answer = gate.enter(call, "from here on the program runs");
    if (!answer.ok()) throw kernel_error("attaching " + description, call, answer);
    return Link(std::move(description), std::move(owned_probe), std::move(owned_event), std::move(link));
}

Link attach(KernelGate& gate, const Program& program, const AttachOptions& options) {
    const Hook& hook = program.spec().kind.hook;
    if (hook.kind == HookKind::none) {
        throw Error({.doing = fmt::format("program '{}': section {} does not say where to attach it", program.name(),
                                          program.spec().section),
                     .hint = fmt::format(
                         "name the hook: --attach '{}=tracepoint:syscalls/sys_enter_execve', or load only: --no-attach",
                         program.name()),
                     .blame = Blame::usage});
    }
    return attach(gate, program, hook, options);
}

Link attach(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options) {
    check_kind(program, hook);
    if (hook.target.empty()) {
        throw Error(
            {.doing = fmt::format("program '{}': hook '{}' has no target", program.name(), hook_text(hook)),
             .hint = fmt::format("name it: --attach '{}={}:TARGET'", program.name(), hook_text({.kind = hook.kind})),
             .blame = Blame::usage});
    }
    switch (hook.kind) {
        case HookKind::tracepoint: return attach_tracepoint(gate, program, hook, options);
        case HookKind::kprobe:
        case HookKind::kretprobe:
        case HookKind::ksyscall:
        case HookKind::kretsyscall: return attach_kprobe(gate, program, hook, options);
        default: return attach_raw_tracepoint(gate, program, hook);
    }
}

}  // namespace minibpf
