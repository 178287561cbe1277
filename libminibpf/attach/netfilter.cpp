// Netfilter: the five places in the way of an IP packet where firewalls stand, and where since Linux 6.4 a program may
// stand beside them. It says NF_ACCEPT (1) or NF_DROP (0).
//
//     received -> pre_routing -> routing -> local_in -> sockets -> local_out -> routing -> post_routing -> sent
//                                   `----------- forward -----------------------'
//
// Each place has a list in the order of priority, lowest first: connection tracking is at -200, nftables' filters are
// at 0. No two programs can have the same one. There are links only. A program that asks for it gets whole packets
// where there were fragments, if it comes after -400.
//
//     netfilter:ip4/local_in            priority 0
//     netfilter:ip6/pre_routing@-100
//     netfilter:ip4/local_in@-100,defrag
#include <libminibpf/attach/attach.hpp>

#include <cerrno>
#include <charconv>
#include <optional>

#include <fmt/format.h>
#include <linux/netfilter.h>

#include <libminibpf/base/nearest.hpp>
#include <libminibpf/object/uapi.hpp>

namespace minibpf {

namespace {

constexpr std::uint32_t netfilter_ip_defrag = 1;  // BPF_F_NETFILTER_IP_DEFRAG, Linux 6.6

constexpr std::array<std::string_view, 5> netfilter_places = {"pre_routing", "local_in", "forward", "local_out",
                                                              "post_routing"};  // in the order of enum nf_inet_hooks

[[noreturn]] void throw_netfilter_usage(const Hook& hook, const std::string& what) {
    throw_usage(fmt::format("hook '{}': {}", hook_text(hook), what),
                "write netfilter:ip4/local_in@-100: ip4 or ip6; pre_routing, local_in, forward, local_out or "
                "post_routing; and if need be a priority, and ,defrag");
}

NetfilterLink parse_netfilter_target(const Hook& hook) {
    NetfilterLink link;
    std::string_view text = hook.target;
    if (const std::size_t comma = text.find(','); comma != std::string_view::npos) {
        if (text.substr(comma + 1) != "defrag")
            throw_netfilter_usage(hook, fmt::format("'{}' says nothing here", text.substr(comma + 1)));
        link.flags = netfilter_ip_defrag;
        text = text.substr(0, comma);
    }
    if (const std::size_t at = text.find('@'); at != std::string_view::npos) {
        const std::string_view number = text.substr(at + 1);
        const char* const end = number.data() + number.size();
        const auto [parsed, error] = std::from_chars(number.data(), end, link.priority);
        if (error != std::errc() || parsed != end)
            throw_netfilter_usage(hook, fmt::format("'{}' is no priority", number));
        text = text.substr(0, at);
    }
    const std::string_view family = text.substr(0, text.find('/'));
    if (family != "ip4" && family != "ip6")
        throw_netfilter_usage(hook, fmt::format("'{}' is neither ip4 nor ip6", family));
    link.pf = family == "ip4" ? NFPROTO_IPV4 : NFPROTO_IPV6;
    const std::string_view place = text.substr(std::min(text.size(), family.size() + 1));
    for (const std::string_view known : netfilter_places) {
        if (known == place) return link;
        ++link.hooknum;
    }
    const std::string suggestion = nearest(place, netfilter_places);
    throw_netfilter_usage(hook, fmt::format("'{}' is no place in a packet's way{}", place,
                                            suggestion.empty() ? "" : fmt::format(", did you mean {}?", suggestion)));
}

std::string netfilter_hint(const NetfilterLink& link, int error) {
    switch (error) {
        case EBUSY:
            return fmt::format("another program has priority {} here: take another one, with @{}", link.priority,
                               link.priority + 1);
        case EINVAL: return "netfilter programs need Linux 6.4 (CONFIG_NETFILTER_BPF_LINK)";
        case EAFNOSUPPORT:
        case EOPNOTSUPP: return "this kernel has no netfilter for that protocol, or cannot put fragments together";
        case ERANGE:
            return "the first and the last priority there is are the kernel's own; ,defrag needs one above -400";
        case E2BIG: return "as many are attached here as there can be (1024)";
        default: return {};
    }
}

}  // namespace

Link attach_netfilter(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options) {
    const NetfilterLink link = parse_netfilter_target(hook);
    if (options.by == AttachBy::older)
        throw_usage(fmt::format("hook '{}': netfilter takes links only", hook_text(hook)), {});
    try {
        return create_link(
            gate, program, hook, {.target_fd = 0, .attach_type = uapi::BPF_NETFILTER, .details = link},
            [&] { return fmt::format("{} sees IP packets here", program.name()); },
            [&](int error) { return netfilter_hint(link, error); });
    } catch (const Error& error) {
        throw error.detail().code == EINVAL || error.detail().code == EAFNOSUPPORT ? error.with_blame(Blame::facility)
                                                                                   : error;
    }
}

}  // namespace minibpf
