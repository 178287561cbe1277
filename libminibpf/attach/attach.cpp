// Which file attaches which kind of hook, and the step that all perf-event hooks share.
#include <libminibpf/attach/attach.hpp>

#include <algorithm>
#include <array>
#include <cerrno>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <libminibpf/kernel/kernel_error.hpp>
#include <libminibpf/load/kernel_symbols.hpp>
#include <libminibpf/load/privilege.hpp>
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

// The kernel's EPERM has many reasons, and says none of them. CAP_BPF is not among them: the load took it. Of a
// cgroup's programs BPF_PROG_ATTACH says EINVAL instead (kernel/bpf/syscall.c, bpf_prog_attach()).
Error explained(KernelGate& gate, const Program& program, const Error& error) {
    const ErrorDetail& detail = error.detail();
    const bool is_refused = detail.code == EPERM || detail.code == EACCES;
    if (!is_refused && (detail.code != EINVAL || detail.call != "bpf(BPF_PROG_ATTACH)")) return error;
    const std::uint64_t wanted = capabilities_for(program.spec().kind.type) & ~(std::uint64_t{1} << cap_bpf);
    const bool by_netlink = detail.call == "sendto" || detail.call == "recvfrom";
    std::string missing =
        missing_capability_hint(gate, wanted, by_netlink ? SysAdmin::does_not_count : SysAdmin::counts);
    if (!missing.empty()) return error.with_hint(std::move(missing)).with_blame(Blame::facility);
    const bool is_tracing = (wanted >> cap_perfmon & 1) != 0;
    if (!is_tracing || detail.hint != usual_privilege_hint) return error;
    std::string locked = lockdown_hint(gate);
    return locked.empty() ? error : error.with_hint(std::move(locked));
}

// What a program is for that is not attached to a hook, or not by us.
std::string elsewhere_hint(const Program& program) {
    constexpr const char* pinned = "keep it loaded and pin it (--no-attach -c 'loader prog pin ID PATH'), then ";
    const std::string& name = program.name();
    switch (static_cast<std::uint32_t>(program.spec().kind.type)) {
        case BPF_PROG_TYPE_XDP: {
            const bool is_cpumap = program.spec().kind.expected_attach_type == BPF_XDP_CPUMAP;
            const auto attach_type = static_cast<std::uint32_t>(program.spec().kind.expected_attach_type);
            if (attach_type != BPF_XDP_DEVMAP && attach_type != BPF_XDP_CPUMAP) return {};
            return fmt::format(
                "it runs for packets that another XDP program redirects, once it is in an element of a {}: --update "
                "'MAP[KEY]={{.{}, .bpf_prog={{.fd={}}}}}'",
                is_cpumap ? "cpumap" : "devmap", is_cpumap ? "qsize=192" : "ifindex=INDEX", name);
        }
        case BPF_PROG_TYPE_SCHED_ACT:
            return fmt::format("an action belongs to a filter of tc(8): {}tc filter add ... action bpf pinned PATH",
                               pinned);
        case BPF_PROG_TYPE_LWT_IN:
        case BPF_PROG_TYPE_LWT_OUT:
        case BPF_PROG_TYPE_LWT_XMIT:
            return fmt::format("it belongs to a route: {}ip route add ... encap bpf {} pinned PATH ...", pinned,
                               program_type_name(program.spec().kind.type).substr(4));
        case BPF_PROG_TYPE_LWT_SEG6LOCAL:
            return fmt::format(
                "it belongs to a route: {}ip route add ... encap seg6local action End.BPF endpoint "
                "pinned PATH ...",
                pinned);
        case BPF_PROG_TYPE_LIRC_MODE2:
            return "it decodes a remote control's signals: ir-keytable(1) attaches it to a receiver, /dev/lircN";
        case BPF_PROG_TYPE_SYSCALL: return "it is not attached, it is run: loader test OBJECT";
        default: return {};
    }
}

[[noreturn]] void throw_no_hook(const Program& program) {
    const std::string elsewhere = elsewhere_hint(program);
    if (!elsewhere.empty()) {
        throw_usage(
            fmt::format("program '{}': section {} is no hook to attach it to", program.name(), program.spec().section),
            elsewhere);
    }
    throw_usage(
        fmt::format("program '{}': section {} does not say where to attach it", program.name(), program.spec().section),
        fmt::format("name the hook: --attach '{}=tracepoint:syscalls/sys_enter_execve', or load only: "
                    "--no-attach",
                    program.name()));
}

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
    if (hook.kind == HookKind::none) throw_no_hook(program);
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
    try {
        return way.attach(gate, program, hook, options);
    } catch (const Error& error) {
        throw explained(gate, program, error);
    }
}

void check_loaded_for(const Program& program, const Hook& hook) {
    const ProgramKind& loaded = program.spec().kind;
    if (loaded.expected_attach_type == program_kind_at(hook).expected_attach_type) return;
    const bool is_known = loaded.hook.kind != HookKind::none && loaded.hook.kind != hook.kind;
    throw_usage(fmt::format("attaching {} at {}: the program was loaded for {}", program.name(), hook_text(hook),
                            is_known ? hook_text(loaded.hook) : "another kind of probe"),
                fmt::format("before the load, say SEC(\"{}/...\") or set ProgramSpec::kind; one load is for one kind",
                            hook_text({.kind = hook.kind})));
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
