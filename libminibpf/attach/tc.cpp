// tc: traffic control as it was before tcx, by a queueing discipline and its filters.
//
//     interface --- clsact, a queueing discipline that queues nothing (Linux 4.5)
//                      |-- ingress: filter 1 (priority 1, handle 1) -> filter 2 (priority 1, handle 2) -> ...
//                      `-- egress:  filter 1 -> ...
//
// A filter of the kind "bpf" is a program. With direct action (4.4) what it returns is what becomes of the packet:
// TC_ACT_OK, TC_ACT_SHOT; TC_ACT_UNSPEC lets the next filter decide. Lower priorities come first, and within one
// priority each filter has a handle.
//
// All of it is asked for over netlink, as tc(8) does: RTM_NEWQDISC, RTM_NEWTFILTER. Neither goes away by itself. So the
// filter is deleted in the end, and the queueing discipline if it was made for it and nobody else has put a filter
// there in the meantime.
#include <libminibpf/attach/attach.hpp>

#include <cerrno>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <libminibpf/attach/interface.hpp>
#include <libminibpf/attach/route_socket.hpp>
#include <libminibpf/object/uapi.hpp>

namespace minibpf {

namespace {

constexpr std::uint32_t clsact_handle = TC_H_MAKE(TC_H_CLSACT, 0);
constexpr std::uint32_t clsact_ingress = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS);
constexpr std::uint32_t clsact_egress = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS);

struct TcTarget {
    std::string interface;
    std::uint32_t parent = clsact_ingress;
    std::uint32_t priority = 1;
    std::uint32_t handle = 0;  ///< 0: the first that is free
};

TcTarget parse_tc_target(const Hook& hook) {
    InterfaceTarget parsed = parse_interface_target(hook.target);
    TcTarget target{.interface = std::move(parsed.name)};
    if (static_cast<std::uint32_t>(hook.attach_type) == uapi::BPF_TCX_EGRESS) target.parent = clsact_egress;
    for (const auto& [name, value] : parsed.settings) {
        if (name == "priority") {
            target.priority = setting_number(name, value);
            if (target.priority == 0 || target.priority > 0xffff)
                throw_usage(fmt::format("priority={}: priorities are 1 to 65535", value), "the lowest comes first");
        } else if (name == "handle") {
            target.handle = setting_number(name, value);
        } else {
            throw_usage(fmt::format("hook '{}': '{}' says nothing about a filter", hook_text(hook), name),
                        "after the interface may come ,priority=NUMBER and ,handle=NUMBER");
        }
    }
    return target;
}

std::string tc_hint(const TcTarget& target, int error) {
    switch (error) {
        case EEXIST:
            return fmt::format(
                "a filter with this handle is there already: `tc filter show dev {} {}` lists them; "
                "without handle= the first that is free is taken",
                target.interface, target.parent == clsact_ingress ? "ingress" : "egress");
        case ENOENT:
        case EOPNOTSUPP: return "the kernel needs CONFIG_NET_CLS_BPF and CONFIG_NET_SCH_INGRESS (sch_ingress, cls_bpf)";
        case EINVAL:
            return fmt::format("`tc qdisc show dev {0}` and `tc filter show dev {0} ingress` say what is in the way",
                               target.interface);
        default: return {};
    }
}

tcmsg tc_message(std::uint32_t interface, std::uint32_t parent, std::uint32_t handle, std::uint32_t info) {
    tcmsg message{};
    message.tcm_family = AF_UNSPEC;
    message.tcm_ifindex = static_cast<int>(interface);
    message.tcm_handle = handle;
    message.tcm_parent = parent;
    message.tcm_info = info;
    return message;
}

/// The queueing discipline and the filter that messages made. The messages that take them away again are there before
/// anything is made.
class TcAttachment final : public Attachment {
public:
    TcAttachment(KernelGate& gate, const std::string& doing, const TcTarget& target, std::uint32_t interface)
        : route_(gate, doing),
          target_(target),
          interface_(interface),
          delete_qdisc_(clsact(RTM_DELQDISC, 0)),
          delete_filter_(filter(RTM_DELTFILTER, 0, target.handle)),
          list_ingress_(list(clsact_ingress)),
          list_egress_(list(clsact_egress)) {}

    ~TcAttachment() override {
        if (has_filter_) route_.undo(delete_filter_, "a filter stays until it is deleted");
        if (!has_qdisc_) return;
        if (!route_.finds_nothing(list_ingress_, "does somebody else use the queueing discipline?")) return;
        if (!route_.finds_nothing(list_egress_, {})) return;
        route_.undo(delete_qdisc_, "it was made for the filter, and nobody else uses it");
    }

    RouteSocket::Outcome add_qdisc() {
        const RouteSocket::Outcome outcome =
            route_.request(clsact(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL),
                           "filters need a queueing discipline; if there is one, it is used (EEXIST)");
        has_qdisc_ = outcome.was_done;
        return outcome;
    }

    RouteSocket::Outcome add_filter(const Program& program, std::uint32_t handle, const Reason& reason) {
        NetlinkMessage message = filter(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, handle);
        const std::size_t options = message.begin_nested(TCA_OPTIONS);
        message.add(TCA_BPF_FD, static_cast<std::uint32_t>(program.fd()));
        message.add_string(TCA_BPF_NAME, program.name());
        message.add(TCA_BPF_FLAGS, std::uint32_t{TCA_BPF_FLAG_ACT_DIRECT});
        message.end_nested(options);
        delete_filter_ = filter(RTM_DELTFILTER, 0, handle);
        const RouteSocket::Outcome outcome = route_.request(message, reason);
        has_filter_ = outcome.was_done;
        return outcome;
    }

private:
    NetlinkMessage clsact(std::uint16_t type, std::uint16_t flags) {
        NetlinkMessage message(type, NLM_F_ACK | flags, route_.next_sequence());
        message.append(tc_message(interface_, TC_H_CLSACT, clsact_handle, 0));
        message.add_string(TCA_KIND, "clsact");
        return message;
    }
    NetlinkMessage filter(std::uint16_t type, std::uint16_t flags, std::uint32_t handle) {
        NetlinkMessage message(type, NLM_F_ACK | flags, route_.next_sequence());
        const std::uint32_t info = TC_H_MAKE(target_.priority << 16, htons(ETH_P_ALL));
        message.append(tc_message(interface_, target_.parent, handle, info));
        message.add_string(TCA_KIND, "bpf");
        return message;
    }
    NetlinkMessage list(std::uint32_t parent) {
        NetlinkMessage message(RTM_GETTFILTER, NLM_F_DUMP, route_.next_sequence());
        message.append(tc_message(interface_, parent, 0, 0));
        return message;
    }

    RouteSocket route_;
    TcTarget target_;
    std::uint32_t interface_;
    NetlinkMessage delete_qdisc_, delete_filter_, list_ingress_, list_egress_;
    bool has_qdisc_ = false;
    bool has_filter_ = false;
};

}  // namespace

Link attach_tc(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options) {
    const TcTarget target = parse_tc_target(hook);
    if (options.by == AttachBy::link) {
        throw_usage(fmt::format("hook '{}': filters have no links", hook_text(hook)),
                    fmt::format("tcx has (Linux 6.6): tcx/{}:{}",
                                target.parent == clsact_ingress ? "ingress" : "egress", target.interface));
    }
    std::string description = fmt::format("{} at {}", program.name(), hook_text(hook));
    const std::string doing = "attaching " + description;
    const std::uint32_t interface = interface_index(gate, target.interface, description);
    auto attachment = std::make_unique<TcAttachment>(gate, doing, target, interface);
    const RouteSocket::Outcome qdisc = attachment->add_qdisc();
    if (qdisc.error == ENOENT)
        throw request_error(doing + ": adding the queueing discipline clsact", qdisc, tc_hint(target, ENOENT))
            .with_blame(Blame::facility);
    if (!qdisc.ok() && qdisc.error != EEXIST)
        throw request_error(doing + ": adding the queueing discipline clsact", qdisc, tc_hint(target, qdisc.error));
    const auto why = [&] { return fmt::format("{} decides what becomes of packets (direct action)", program.name()); };
    constexpr std::uint32_t most_handles = 256;  // of one priority; whoever has more of them names one
    std::uint32_t handle = target.handle == 0 ? 1 : target.handle;
    RouteSocket::Outcome filter = attachment->add_filter(program, handle, why);
    while (filter.error == EEXIST && target.handle == 0 && handle < most_handles)
        filter = attachment->add_filter(program, ++handle, "that handle is taken, so the next one");
    if (filter.error == ENOENT) throw request_error(doing, filter, tc_hint(target, ENOENT)).with_blame(Blame::facility);
    if (!filter.ok()) throw request_error(doing, filter, tc_hint(target, filter.error));
    return Link(std::move(description), std::move(attachment));
}

}  // namespace minibpf
