// XDP: a program that sees each packet that an interface receives before the kernel has made anything of it, and says
// whether it goes on (XDP_PASS), is thrown away (XDP_DROP) or is sent out again (XDP_TX, XDP_REDIRECT).
//
//     wire -> network card -> driver -> [native XDP] -> sk_buff is made -> [generic XDP] -> tcx, tc -> protocols
//
// Native: the driver runs it, on the bare packet; not all drivers do. Generic: the kernel runs it a little later, for
// any interface, without the speed. Offload: the card itself runs it. Who asks for none gets native where the driver
// has it, else generic. There is one program for each interface and mode, and never native and generic together.
//
// It is put there by a link (BPF_LINK_CREATE, Linux 5.9), or by a netlink message (RTM_SETLINK with IFLA_XDP, 4.8), as
// ip(8) does it: then it stays until a message with the program -1 takes it away, even after the loader's end.
#include <libminibpf/attach/attach.hpp>

#include <cerrno>

#include <fmt/format.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <libminibpf/attach/interface.hpp>
#include <libminibpf/attach/route_socket.hpp>

namespace minibpf {

namespace {

struct XdpTarget {
    std::string interface;
    std::uint32_t mode = 0;  ///< XDP_FLAGS_SKB_MODE, ...; 0: the kernel chooses
    bool replace = false;    ///< takes the place of the program that is there
};

XdpTarget parse_xdp_target(const Hook& hook) {
    InterfaceTarget parsed = parse_interface_target(hook.target);
    XdpTarget target{.interface = std::move(parsed.name)};
    for (const auto& [name, value] : parsed.settings) {
        if (name == "generic") {
            target.mode = XDP_FLAGS_SKB_MODE;
        } else if (name == "native") {
            target.mode = XDP_FLAGS_DRV_MODE;
        } else if (name == "offload") {
            target.mode = XDP_FLAGS_HW_MODE;
        } else if (name == "replace") {
            target.replace = true;
        } else {
            throw_usage(fmt::format("hook '{}': '{}' says nothing about XDP", hook_text(hook), name),
                        fmt::format("after the interface may come ,generic or ,native or ,offload, and ,replace"));
        }
    }
    return target;
}

std::string xdp_hint(const XdpTarget& target, int error) {
    switch (error) {
        case EBUSY:
        case EEXIST:
            return fmt::format(
                "an XDP program is there already: `ip link show dev {0}` names it; "
                "xdp:{0},replace takes its place, unless a link holds it",
                target.interface);
        case EOPNOTSUPP:
            return fmt::format("the driver of {0} has no {1} XDP: take xdp:{0},generic, which every interface has",
                               target.interface, target.mode == XDP_FLAGS_HW_MODE ? "offloaded" : "native");
        case EINVAL:
            if (target.mode != XDP_FLAGS_HW_MODE)
                return "the driver may want a smaller MTU, or fewer queues, or a program of SEC(\"xdp.frags\")";
            return fmt::format(
                "the card of {0} cannot run programs, or not this one, which has to be loaded for it (prog_ifindex): "
                "take xdp:{0},native or xdp:{0},generic",
                target.interface);
        default: return {};
    }
}

NetlinkMessage set_xdp(RouteSocket& route, std::uint32_t interface, std::int32_t fd, std::uint32_t flags,
                       std::int32_t expected_fd = -1) {
    NetlinkMessage message(RTM_SETLINK, NLM_F_ACK, route.next_sequence());
    message.append(ifinfomsg{.ifi_family = AF_UNSPEC,
                             .__ifi_pad = 0,
                             .ifi_type = 0,
                             .ifi_index = static_cast<int>(interface),
                             .ifi_flags = 0,
                             .ifi_change = 0});
    const std::size_t xdp = message.begin_nested(IFLA_XDP);
    message.add(IFLA_XDP_FD, bytes_of(fd));
    message.add(IFLA_XDP_FLAGS, flags);
    if (expected_fd >= 0) message.add(IFLA_XDP_EXPECTED_FD, bytes_of(expected_fd));
    message.end_nested(xdp);
    return message;
}

/// A program that a message put on an interface. Both messages are there before the first is sent.
class XdpAttachment final : public Attachment {
public:
    XdpAttachment(KernelGate& gate, const std::string& doing, const XdpTarget& target, std::uint32_t interface,
                  int prog_fd)
        : route_(gate, doing),
          attach_(set_xdp(route_, interface, prog_fd,
                          target.mode | (target.replace ? 0 : std::uint32_t{XDP_FLAGS_UPDATE_IF_NOEXIST}))),
          // Only if it is still ours: somebody may have replaced it (Linux 5.7).
          detach_(set_xdp(route_, interface, -1, target.mode | XDP_FLAGS_REPLACE, prog_fd)) {}
    ~XdpAttachment() override {
        if (is_attached_) route_.undo(detach_, "no program any more, if it is this one that is there");
    }

    RouteSocket::Outcome attach(const Reason& reason) {
        RouteSocket::Outcome outcome = route_.request(attach_, reason);
        is_attached_ = outcome.was_done;
        return outcome;
    }

private:
    RouteSocket route_;
    NetlinkMessage attach_, detach_;
    bool is_attached_ = false;
};

Link attach_xdp_by_netlink(KernelGate& gate, const Program& program, std::string description, const XdpTarget& target,
                           std::uint32_t interface, const Reason& reason) {
    auto attachment =
        std::make_unique<XdpAttachment>(gate, "attaching " + description, target, interface, program.fd());
    const RouteSocket::Outcome outcome = attachment->attach(reason);
    if (!outcome.ok()) throw request_error("attaching " + description, outcome, xdp_hint(target, outcome.error));
    return Link(std::move(description), std::move(attachment));
}

}  // namespace

Link attach_xdp(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options) {
    const XdpTarget target = parse_xdp_target(hook);
    if (target.replace && options.by == AttachBy::link) {
        throw_usage(fmt::format("hook '{}': a link takes no other program's place", hook_text(hook)),
                    "leave out --link, and netlink will do it; or update the link that is there");
    }
    std::string description = fmt::format("{} at {}", program.name(), hook_text(hook));
    const std::uint32_t interface = interface_index(gate, target.interface, description);
    const auto why = [&] {
        return fmt::format("{} sees each packet that {} receives", program.name(), target.interface);
    };
    if (options.by == AttachBy::older || target.replace)
        return attach_xdp_by_netlink(gate, program, std::move(description), target, interface, why);
    return create_link(gate, program, hook,
                       {.target_fd = static_cast<int>(interface), .attach_type = BPF_XDP, .flags = target.mode}, why,
                       [&](int error) { return xdp_hint(target, error); });
}

}  // namespace minibpf
