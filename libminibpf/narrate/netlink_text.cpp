// strace's notation of netlink: a header in braces, the struct of the message's type, and attributes, each
// `[{nla_len=8, nla_type=IFLA_XDP_FD}, 5]`. A list of one has no brackets of its own.
#include <libminibpf/narrate/netlink_text.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <libminibpf/base/error.hpp>
#include <libminibpf/kernel/netlink.hpp>
#include <libminibpf/narrate/attr_fields.hpp>
#include <libminibpf/narrate/names.hpp>
#include <libminibpf/narrate/quote.hpp>

namespace minibpf {

namespace {

constexpr ConstantName message_type_names[] = {
    {NLMSG_NOOP, "NLMSG_NOOP"},         {NLMSG_ERROR, "NLMSG_ERROR"},       {NLMSG_DONE, "NLMSG_DONE"},
    {RTM_SETLINK, "RTM_SETLINK"},       {RTM_NEWQDISC, "RTM_NEWQDISC"},     {RTM_DELQDISC, "RTM_DELQDISC"},
    {RTM_NEWTFILTER, "RTM_NEWTFILTER"}, {RTM_DELTFILTER, "RTM_DELTFILTER"}, {RTM_GETTFILTER, "RTM_GETTFILTER"},
};
constexpr NameTable message_types{message_type_names, "NLMSG_???"};

// The upper flags mean different things in requests that make, that ask and that delete, and in answers.
constexpr ConstantName common_flag_names[] = {{NLM_F_REQUEST, "NLM_F_REQUEST"},
                                              {NLM_F_MULTI, "NLM_F_MULTI"},
                                              {NLM_F_ACK, "NLM_F_ACK"},
                                              {NLM_F_ECHO, "NLM_F_ECHO"},
                                              {NLM_F_DUMP_INTR, "NLM_F_DUMP_INTR"},
                                              {NLM_F_DUMP_FILTERED, "NLM_F_DUMP_FILTERED"}};
constexpr ConstantName new_flag_names[] = {{NLM_F_REPLACE, "NLM_F_REPLACE"},
                                           {NLM_F_EXCL, "NLM_F_EXCL"},
                                           {NLM_F_CREATE, "NLM_F_CREATE"},
                                           {NLM_F_APPEND, "NLM_F_APPEND"}};
constexpr ConstantName get_flag_names[] = {{NLM_F_DUMP, "NLM_F_DUMP"},
                                           {NLM_F_ROOT, "NLM_F_ROOT"},
                                           {NLM_F_MATCH, "NLM_F_MATCH"},
                                           {NLM_F_ATOMIC, "NLM_F_ATOMIC"}};
constexpr ConstantName delete_flag_names[] = {{NLM_F_NONREC, "NLM_F_NONREC"}};
constexpr ConstantName error_flag_names[] = {{NLM_F_CAPPED, "NLM_F_CAPPED"}, {NLM_F_ACK_TLVS, "NLM_F_ACK_TLVS"}};
constexpr NameTable common_flags{common_flag_names, "NLM_F_???"};

NameTable upper_flags(std::uint16_t type) {
    switch (type) {
        case NLMSG_ERROR: return {error_flag_names, "NLM_F_???"};
        case RTM_GETTFILTER: return {get_flag_names, "NLM_F_???"};
        case RTM_DELQDISC:
        case RTM_DELTFILTER: return {delete_flag_names, "NLM_F_???"};
        default: return {new_flag_names, "NLM_F_???"};
    }
}

std::string message_flags(const nlmsghdr& header) {
    constexpr std::uint16_t upper = 0xff00;
    const std::uint16_t low = header.nlmsg_flags & 0xff;
    const std::uint16_t high = header.nlmsg_flags & upper;
    if (high == 0) return flags_text(common_flags, low);
    const std::string text = flags_text(upper_flags(header.nlmsg_type), high);
    return low == 0 ? text : flags_text(common_flags, low) + "|" + text;
}

std::string header_text(const nlmsghdr& header) {
    return fmt::format("{{nlmsg_len={}, nlmsg_type={}, nlmsg_flags={}, nlmsg_seq={}, nlmsg_pid={}}}", header.nlmsg_len,
                       enum_text(message_types, header.nlmsg_type), message_flags(header), header.nlmsg_seq,
                       header.nlmsg_pid);
}

std::string hex_quoted(ByteView bytes) {
    constexpr std::size_t shown = 32;
    std::string text = "\"";
    for (const std::byte byte : bytes.first(std::min(bytes.size(), shown)))
        text += fmt::format("\\x{:02x}", std::to_integer<unsigned>(byte));
    return text + (bytes.size() > shown ? "\"..." : "\"");
}

enum class AttributeFormat { bytes, text, number, signed_number, xdp_flags, attributes };

struct AttributeName {
    std::uint16_t type;
    std::string_view name;
    AttributeFormat format;
};

constexpr AttributeName link_attributes[] = {{IFLA_XDP, "IFLA_XDP", AttributeFormat::attributes}};
constexpr AttributeName xdp_attributes[] = {
    {IFLA_XDP_FD, "IFLA_XDP_FD", AttributeFormat::signed_number},
    {IFLA_XDP_FLAGS, "IFLA_XDP_FLAGS", AttributeFormat::xdp_flags},
    {IFLA_XDP_EXPECTED_FD, "IFLA_XDP_EXPECTED_FD", AttributeFormat::signed_number}};
constexpr AttributeName tc_attributes[] = {{TCA_KIND, "TCA_KIND", AttributeFormat::text},
                                           {TCA_OPTIONS, "TCA_OPTIONS", AttributeFormat::bytes},
                                           {TCA_CHAIN, "TCA_CHAIN", AttributeFormat::number}};
constexpr AttributeName error_attributes[] = {{NLMSGERR_ATTR_MSG, "NLMSGERR_ATTR_MSG", AttributeFormat::text},
                                              {NLMSGERR_ATTR_OFFS, "NLMSGERR_ATTR_OFFS", AttributeFormat::number}};

constexpr ConstantName xdp_flag_names[] = {
    {XDP_FLAGS_MODES, "XDP_FLAGS_MODES"},       {XDP_FLAGS_UPDATE_IF_NOEXIST, "XDP_FLAGS_UPDATE_IF_NOEXIST"},
    {XDP_FLAGS_SKB_MODE, "XDP_FLAGS_SKB_MODE"}, {XDP_FLAGS_DRV_MODE, "XDP_FLAGS_DRV_MODE"},
    {XDP_FLAGS_HW_MODE, "XDP_FLAGS_HW_MODE"},   {XDP_FLAGS_REPLACE, "XDP_FLAGS_REPLACE"}};
constexpr NameTable xdp_flags{xdp_flag_names, "XDP_FLAGS_???"};

std::string attributes_text(ByteView bytes, std::span<const AttributeName> names);

std::string payload_text(ByteView payload, AttributeFormat format) {
    const std::uint32_t number = read_at<std::uint32_t>(payload, 0).value_or(0);
    const bool is_number = payload.size() >= sizeof(number);
    switch (format) {
        case AttributeFormat::text:
            return quoted_buffer({reinterpret_cast<const char*>(payload.data()), payload.size()});
        case AttributeFormat::number: return is_number ? fmt::format("{}", number) : hex_quoted(payload);
        case AttributeFormat::signed_number:
            return is_number ? fmt::format("{}", static_cast<std::int32_t>(number)) : hex_quoted(payload);
        case AttributeFormat::xdp_flags: return is_number ? flags_text(xdp_flags, number) : hex_quoted(payload);
        case AttributeFormat::attributes: return attributes_text(payload, xdp_attributes);
        case AttributeFormat::bytes: break;
    }
    return hex_quoted(payload);
}

std::string attribute_text(const NetlinkAttribute& attribute, std::span<const AttributeName> names) {
    const std::uint16_t type = attribute.type & NLA_TYPE_MASK;
    std::string name = fmt::format("{:#x} /* ??? */", type);
    AttributeFormat format = AttributeFormat::bytes;
    for (const AttributeName& known : names) {
        if (known.type != type) continue;
        name = known.name;
        format = known.format;
    }
    if ((attribute.type & NLA_F_NESTED) != 0) name = "NLA_F_NESTED|" + name;
    const std::string header = fmt::format("{{nla_len={}, nla_type={}}}", attribute.length, name);
    if (attribute.payload.empty()) return header;
    return fmt::format("[{}, {}]", header, payload_text(attribute.payload, format));
}

std::string bracketed(const std::vector<std::string>& texts) {
    return texts.size() == 1 ? texts.front() : fmt::format("[{}]", fmt::join(texts, ", "));
}

std::string attributes_text(ByteView bytes, std::span<const AttributeName> names) {
    const auto attributes = netlink_attributes(bytes);
    if (!attributes) return hex_quoted(bytes);
    std::vector<std::string> texts;
    for (const NetlinkAttribute& attribute : *attributes) texts.push_back(attribute_text(attribute, names));
    return bracketed(texts);
}

std::string with_attributes(std::string text, ByteView bytes, std::span<const AttributeName> names) {
    return bytes.empty() ? text : text + ", " + attributes_text(bytes, names);
}

std::string part_text(const NetlinkPart& part);

std::string netlink_error_text(const NetlinkPart& part) {
    const std::optional<NetlinkError> error = netlink_error(part);
    if (!error) return hex_quoted(part.payload);
    const std::vector<NetlinkPart> request = netlink_parts(error->request);
    const nlmsghdr header = read_at<nlmsghdr>(error->request, 0).value_or(nlmsghdr{});
    const std::string text = fmt::format(
        "{{error={}, msg={}}}", error->error == 0 ? "0" : "-" + errno_name(error->error),
        request.empty() || request.front().payload.empty() ? header_text(header) : part_text(request.front()));
    return error->attributes.empty() ? text
                                     : fmt::format("[{}]", with_attributes(text, error->attributes, error_attributes));
}

std::string body_text(const NetlinkPart& part) {
    switch (part.header.nlmsg_type) {
        case NLMSG_ERROR: return netlink_error_text(part);
        case NLMSG_DONE: return fmt::format("{}", read_at<std::int32_t>(part.payload, 0).value_or(0));
        case RTM_SETLINK: {
            const auto link = read_at<ifinfomsg>(part.payload, 0);
            if (!link) break;
            return with_attributes(
                fmt::format("{{ifi_family=AF_UNSPEC, ifi_type=ARPHRD_NETROM, ifi_index={}, ifi_flags=0, ifi_change=0}}",
                            interface_text(static_cast<std::uint32_t>(link->ifi_index))),
                part.payload.subspan(sizeof(ifinfomsg)), link_attributes);
        }
        default: {
            const auto tc = read_at<tcmsg>(part.payload, 0);
            if (!tc) break;
            return with_attributes(
                fmt::format("{{tcm_family=AF_UNSPEC, tcm_ifindex={}, tcm_handle={}, tcm_parent={}, tcm_info={}}}",
                            interface_text(static_cast<std::uint32_t>(tc->tcm_ifindex)), tc->tcm_handle, tc->tcm_parent,
                            tc->tcm_info),
                part.payload.subspan(sizeof(tcmsg)), tc_attributes);
        }
    }
    return hex_quoted(part.payload);
}

std::string part_text(const NetlinkPart& part) {
    return fmt::format("[{}, {}]", header_text(part.header), body_text(part));
}

// --- sockets

constexpr ConstantName domain_names[] = {{AF_UNIX, "AF_UNIX"},
                                         {AF_INET, "AF_INET"},
                                         {AF_INET6, "AF_INET6"},
                                         {AF_NETLINK, "AF_NETLINK"},
                                         {AF_PACKET, "AF_PACKET"}};
constexpr NameTable domains{domain_names, "AF_???"};
constexpr ConstantName socket_type_names[] = {
    {SOCK_STREAM, "SOCK_STREAM"}, {SOCK_DGRAM, "SOCK_DGRAM"}, {SOCK_RAW, "SOCK_RAW"}};
constexpr NameTable socket_types{socket_type_names, "SOCK_???"};
constexpr ConstantName ethernet_names[] = {
    {ETH_P_ALL, "ETH_P_ALL"}, {ETH_P_IP, "ETH_P_IP"}, {ETH_P_IPV6, "ETH_P_IPV6"}};
constexpr NameTable ethernet_protocols{ethernet_names, "ETH_P_???"};
constexpr ConstantName option_names[] = {{SO_DETACH_BPF, "SO_DETACH_FILTER"},  // one number, two names
                                         {SO_ATTACH_BPF, "SO_ATTACH_BPF"},
                                         {SO_ATTACH_REUSEPORT_EBPF, "SO_ATTACH_REUSEPORT_EBPF"},
                                         {SO_DETACH_REUSEPORT_BPF, "SO_DETACH_REUSEPORT_BPF"}};
constexpr NameTable socket_options{option_names, "SO_???"};
constexpr ConstantName netlink_option_names[] = {{NETLINK_CAP_ACK, "NETLINK_CAP_ACK"},
                                                 {NETLINK_EXT_ACK, "NETLINK_EXT_ACK"}};
constexpr NameTable netlink_options{netlink_option_names, "NETLINK_???"};

// strace prints a number that needs no name in decimal: 0x0 is 0.
std::string ethernet_text(int protocol) {
    return protocol == 0
               ? "htons(0 /* ETH_P_??? */)"
               : fmt::format("htons({})", enum_text(ethernet_protocols, static_cast<std::uint64_t>(protocol)));
}

std::string protocol_text(const SocketCreate& call) {
    if (call.domain == AF_PACKET) return ethernet_text(call.protocol);
    if (call.domain == AF_NETLINK) return "NETLINK_ROUTE";
    return "IPPROTO_IP";
}

}  // namespace

std::string netlink_text(ByteView bytes) {
    std::vector<std::string> texts;
    for (const NetlinkPart& part : netlink_parts(bytes)) texts.push_back(part_text(part));
    return texts.empty() ? quoted_bytes(bytes) : bracketed(texts);
}

std::string socket_text(const SocketCreate& call) {
    const int type = call.type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
    return fmt::format("socket({}, {}|SOCK_CLOEXEC{}, {})", enum_text(domains, static_cast<std::uint64_t>(call.domain)),
                       enum_text(socket_types, static_cast<std::uint64_t>(type)),
                       (call.type & SOCK_NONBLOCK) != 0 ? "|SOCK_NONBLOCK" : "", protocol_text(call));
}

std::string socket_text(const InterfaceIndex& call) {
    return fmt::format("ioctl({}, SIOCGIFINDEX, {{ifr_name={}}})", call.socket_fd,
                       quoted_text(call.name.substr(0, 15)));
}

std::string socket_text(const BindPacket& call) {
    return fmt::format(
        "bind({}, {{sa_family=AF_PACKET, sll_protocol={}, sll_ifindex={}, sll_hatype=ARPHRD_NETROM, "
        "sll_pkttype=PACKET_HOST, sll_halen=0}}, 20)",
        call.socket_fd, ethernet_text(call.protocol), interface_text(call.interface));
}

std::string socket_text(const BindNetlink& call) {
    return fmt::format("bind({}, {{sa_family=AF_NETLINK, nl_pid=0, nl_groups=00000000}}, 12)", call.socket_fd);
}

std::string socket_text(const SetSocketOption& call) {
    const bool is_netlink = call.level == SOL_NETLINK;
    return fmt::format("setsockopt({}, {}, {}, [{}], 4)", call.socket_fd, is_netlink ? "SOL_NETLINK" : "SOL_SOCKET",
                       enum_text(is_netlink ? netlink_options : socket_options, static_cast<std::uint64_t>(call.name)),
                       call.value);
}

}  // namespace minibpf
