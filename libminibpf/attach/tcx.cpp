// tcx and netkit: programs that see packets as the kernel keeps them, as sk_buffs, where traffic control is.
//
//     received:  driver -> XDP -> [tcx/ingress] -> tc filters of the qdisc -> protocols
//     sent:      protocols -> tc filters -> [tcx/egress] -> queueing discipline -> driver
//
// tcx (Linux 6.6) needs no queueing discipline, as tc.cpp's filters do: an interface has a list of programs for each
// direction, run one after the other until one says more than TCX_NEXT. netkit (6.7) is a pair of interfaces that is
// made to have programs, for containers: those of the primary one see what leaves it, and so do those of the peer,
// which are attached through the primary as well.
//
// Both take links, and BPF_PROG_ATTACH with the interface's number in the place of a descriptor. BPF_F_BEFORE and
// BPF_F_AFTER say where in the list; without them it is the end.
#include <libminibpf/attach/attach.hpp>

#include <cerrno>

#include <fmt/format.h>

#include <libminibpf/attach/interface.hpp>
#include <libminibpf/attach/order.hpp>
#include <libminibpf/attach/prog_attachment.hpp>

namespace minibpf {

namespace {

std::string tcx_hint(const Hook& hook, const std::string& interface, int error) {
    const bool is_netkit = hook.kind == HookKind::netkit;
    switch (error) {
        case EINVAL:
            if (is_netkit) return "netkit needs Linux 6.7 and CONFIG_NETKIT";
            return fmt::format("tcx needs Linux 6.6: before it tc/{}:{} does the same with a queueing discipline",
                               hook_text(hook).find("egress") == std::string::npos ? "ingress" : "egress", interface);
        case EACCES:
        case ENXIO:
            if (!is_netkit) return {};
            return fmt::format("{} has to be the primary interface of a netkit pair, which takes the programs of both",
                               interface);
        case EEXIST: return "this program is attached here already";
        case ENOENT: return "the program or link that it was to be before or after is not attached here";
        case ESTALE: return "other programs came or went in the meantime: look at what is attached, and try again";
        case ERANGE: return "as many programs are attached here as there can be (64)";
        default: return {};
    }
}

}  // namespace

Link attach_tcx(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options) {
    InterfaceTarget target = parse_interface_target(hook.target);
    const AttachOrder order = take_order(hook, target, options.order);
    if (!target.settings.empty()) {
        throw_usage(fmt::format("hook '{}': '{}' says nothing here", hook_text(hook), target.settings.front().first),
                    "after the interface may come ,first ,last ,before=ID or ,after=ID, and ,revision=N");
    }
    const std::string description = fmt::format("{} at {}", program.name(), hook_text(hook));
    const auto interface = static_cast<int>(interface_index(gate, target.name, description));
    const auto attach_type = static_cast<std::uint32_t>(hook.attach_type);
    const auto why = [&] { return fmt::format("{} sees the packets of {}", program.name(), target.name); };
    const auto hint = [&](int error) { return tcx_hint(hook, target.name, error); };
    try {
        if (options.by == AttachBy::older) {
            return prog_attach(gate, program, hook, {},
                               {.target_fd = interface,
                                .attach_type = attach_type,
                                .attach_flags = order.flags,
                                .order = ordered_link(order)},
                               why, hint);
        }
        return create_link(
            gate, program, hook,
            {.target_fd = interface, .attach_type = attach_type, .flags = order.flags, .details = ordered_link(order)},
            why, hint);
    } catch (const Error& error) {
        // The order of programs apart, the kernel calls invalid only what it does not know.
        throw error.detail().code == EINVAL && order.flags == 0 ? error.with_blame(Blame::facility) : error;
    }
}

}  // namespace minibpf
