// Which file attaches which kind of hook, and the step that all perf-event hooks share.
#include <libminibpf/attach/attach.hpp>

#include <algorithm>
#include <array>
#include <cerrno>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <libminibpf/kernel/kernel_error.hpp>
#include <libminibpf/object/uapi.hpp>

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

Fd create_event_link(KernelGate& gate, const Program& program, const std::string& where, int event_fd,
                     std::uint64_t cookie) {
    const LinkCreate call{.prog_fd = program.fd(),
                          .target_fd = event_fd,
                          .attach_type = BPF_PERF_EVENT,
                          .details = PerfEventLink{cookie}};
    const Answer answer = gate.enter(
        call, [&] { return fmt::format("a link holds {} on the event until it is closed", program.name()); });
    if (!answer.ok())
        throw kernel_error("attaching " + where, call, answer,
                           answer.error == EINVAL ? "links to perf events need Linux 5.15" : "");
    return Fd(gate, answer.fd());
}

using AttachFunction = Link (*)(KernelGate&, const Program&, const Hook&, const AttachOptions&);

/// How one kind of hook is attached to.
struct Way {
    HookKind kind;
    AttachFunction attach;
    std::array<std::uint32_t, 7> program_types;
    bool needs_target = true;  ///< false: what it is attached to was settled at the load
};

constexpr Way ways[] = {
    {HookKind::tracepoint, attach_tracepoint, {BPF_PROG_TYPE_TRACEPOINT}},
    {HookKind::kprobe, attach_kprobe, {BPF_PROG_TYPE_KPROBE}},
    {HookKind::kretprobe, attach_kprobe, {BPF_PROG_TYPE_KPROBE}},
    {HookKind::ksyscall, attach_kprobe, {BPF_PROG_TYPE_KPROBE}},
    {HookKind::kretsyscall, attach_kprobe, {BPF_PROG_TYPE_KPROBE}},
    {HookKind::raw_tracepoint,
     attach_raw_tracepoint,
     {BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE}},
    {HookKind::raw_tracepoint_writable,
     attach_raw_tracepoint,
     {BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE}},
    {HookKind::tp_btf, attach_tracing, {BPF_PROG_TYPE_TRACING}, false},
    {HookKind::fentry, attach_tracing, {BPF_PROG_TYPE_TRACING}, false},
    {HookKind::fexit, attach_tracing, {BPF_PROG_TYPE_TRACING}, false},
    {HookKind::fmod_ret, attach_tracing, {BPF_PROG_TYPE_TRACING}, false},
    {HookKind::fsession, attach_tracing, {BPF_PROG_TYPE_TRACING}, false},
    {HookKind::lsm, attach_tracing, {BPF_PROG_TYPE_LSM}, false},
    {HookKind::freplace, attach_tracing, {BPF_PROG_TYPE_EXT}, false},
    {HookKind::iter, attach_iterator, {BPF_PROG_TYPE_TRACING}},
    {HookKind::perf_event, attach_perf_event, {BPF_PROG_TYPE_PERF_EVENT}},
    {HookKind::kprobe_multi, attach_kprobe_multi, {BPF_PROG_TYPE_KPROBE}},
    {HookKind::kretprobe_multi, attach_kprobe_multi, {BPF_PROG_TYPE_KPROBE}},
    {HookKind::kprobe_session, attach_kprobe_multi, {BPF_PROG_TYPE_KPROBE}},
    {HookKind::uprobe, attach_uprobe, {BPF_PROG_TYPE_KPROBE}},
    {HookKind::uretprobe, attach_uprobe, {BPF_PROG_TYPE_KPROBE}},
    {HookKind::uprobe_multi, attach_uprobe_multi, {BPF_PROG_TYPE_KPROBE}},
    {HookKind::uretprobe_multi, attach_uprobe_multi, {BPF_PROG_TYPE_KPROBE}},
    {HookKind::uprobe_session, attach_uprobe_multi, {BPF_PROG_TYPE_KPROBE}},
    {HookKind::usdt, attach_usdt, {BPF_PROG_TYPE_KPROBE}},
    {HookKind::lsm_cgroup, attach_cgroup, {BPF_PROG_TYPE_LSM}},
    {HookKind::cgroup,
     attach_cgroup,
     {BPF_PROG_TYPE_CGROUP_SKB, BPF_PROG_TYPE_CGROUP_SOCK, BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_PROG_TYPE_CGROUP_DEVICE,
      BPF_PROG_TYPE_CGROUP_SYSCTL, BPF_PROG_TYPE_CGROUP_SOCKOPT, BPF_PROG_TYPE_SOCK_OPS}},
    {HookKind::sk_lookup, attach_netns, {BPF_PROG_TYPE_SK_LOOKUP}, false},
    {HookKind::flow_dissector, attach_netns, {BPF_PROG_TYPE_FLOW_DISSECTOR}, false},
    {HookKind::xdp, attach_xdp, {BPF_PROG_TYPE_XDP}},
    {HookKind::tcx, attach_tcx, {BPF_PROG_TYPE_SCHED_CLS}},
    {HookKind::netkit, attach_tcx, {BPF_PROG_TYPE_SCHED_CLS}},
    {HookKind::tc, attach_tc, {BPF_PROG_TYPE_SCHED_CLS}},
    {HookKind::netfilter, attach_netfilter, {uapi::BPF_PROG_TYPE_NETFILTER}},
    {HookKind::socket_filter, attach_socket_filter, {BPF_PROG_TYPE_SOCKET_FILTER}},
    {HookKind::sk_reuseport, attach_reuseport, {BPF_PROG_TYPE_SK_REUSEPORT}},
    {HookKind::sockmap, attach_sockmap, {BPF_PROG_TYPE_SK_SKB, BPF_PROG_TYPE_SK_MSG}, false},
};

const Way& way_of(const Program& program, const Hook& hook) {
    const auto way = std::ranges::find(ways, hook.kind, &Way::kind);
    if (way == std::end(ways)) {
        std::vector<std::string> kinds;
        for (const Way& known : ways) kinds.push_back(hook_text({.kind = known.kind}));
        throw Error({.doing = fmt::format("program '{}': this version does not attach to '{}'", program.name(),
                                          hook_text(hook)),
                     .hint = fmt::format("load it with --no-attach; {} can be attached", fmt::join(kinds, ", ")),
                     .blame = Blame::usage});
    }
    const auto type = static_cast<std::uint32_t>(program.spec().kind.type);
    if (type != 0 && std::ranges::find(way->program_types, type) != way->program_types.end()) return *way;
    throw Error({.doing = fmt::format("program '{}' is of type {} and cannot be attached to {}", program.name(),
                                      program_type_name(program.spec().kind.type), hook_text(hook)),
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
    if (options.by == AttachBy::link) {
        link = create_event_link(gate, program, description, owned_event.get(), options.cookie);
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
    const Way& way = way_of(program, hook);
    if (way.needs_target && hook.target.empty()) {
        throw Error(
            {.doing = fmt::format("program '{}': hook '{}' has no target", program.name(), hook_text(hook)),
             .hint = fmt::format("name it: --attach '{}={}:TARGET'", program.name(), hook_text({.kind = hook.kind})),
             .blame = Blame::usage});
    }
    return way.attach(gate, program, hook, options);
}

Link create_link(KernelGate& gate, const Program& program, const Hook& hook, LinkCreate call, const Reason& reason,
                 const std::function<std::string(int)>& hint_for) {
    std::string description = fmt::format("{} at {}", program.name(), hook_text(hook));
    call.prog_fd = program.fd();
    const Answer answer = gate.enter(call, reason);
    if (answer.ok()) return Link(std::move(description), Fd(gate, answer.fd()));
    throw kernel_error("attaching " + description, call, answer, hint_for(answer.error));
}

}  // namespace minibpf
