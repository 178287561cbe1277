// Netlink messages to bytes and back. Lengths count the header and not the padding; what follows begins at the next
// multiple of four.
#include <libminibpf/kernel/netlink.hpp>

namespace minibpf {

namespace {

constexpr std::size_t attribute_header = sizeof(nlattr);

constexpr std::size_t netlink_aligned(std::size_t length) noexcept {
    return (length + 3) / 4 * 4;
}

template <class T>
void overwrite(Bytes& bytes, std::size_t offset, T value) {
    std::memcpy(bytes.data() + offset, &value, sizeof(value));
}

}  // namespace

NetlinkMessage::NetlinkMessage(std::uint16_t type, std::uint16_t flags, std::uint32_t sequence) {
    append(nlmsghdr{.nlmsg_len = 0,
                    .nlmsg_type = type,
                    .nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags),
                    .nlmsg_seq = sequence,
                    .nlmsg_pid = 0});
}

void NetlinkMessage::append_bytes(ByteView bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    bytes_.resize(netlink_aligned(bytes_.size()));
}

void NetlinkMessage::update_length() {
    overwrite(bytes_, 0, static_cast<std::uint32_t>(bytes_.size()));
}

void NetlinkMessage::add(std::uint16_t type, ByteView payload) {
    append_bytes(
        bytes_of(nlattr{.nla_len = static_cast<std::uint16_t>(attribute_header + payload.size()), .nla_type = type}));
    append_bytes(payload);
    update_length();
}

std::size_t NetlinkMessage::begin_nested(std::uint16_t type) {
    const std::size_t begin = bytes_.size();
    add(static_cast<std::uint16_t>(type | NLA_F_NESTED), ByteView());
    return begin;
}

void NetlinkMessage::end_nested(std::size_t begin) {
    overwrite(bytes_, begin, static_cast<std::uint16_t>(bytes_.size() - begin));
}

std::vector<NetlinkPart> netlink_parts(ByteView bytes) {
    std::vector<NetlinkPart> parts;
    while (const std::optional<nlmsghdr> header = read_at<nlmsghdr>(bytes, 0)) {
        if (header->nlmsg_len < sizeof(nlmsghdr) || header->nlmsg_len > bytes.size()) break;
        parts.push_back(
            {.header = *header, .payload = bytes.subspan(sizeof(nlmsghdr), header->nlmsg_len - sizeof(nlmsghdr))});
        bytes = bytes.subspan(std::min(netlink_aligned(header->nlmsg_len), bytes.size()));
    }
    return parts;
}

std::optional<std::vector<NetlinkAttribute>> netlink_attributes(ByteView bytes) {
    std::vector<NetlinkAttribute> attributes;
    while (const std::optional<nlattr> header = read_at<nlattr>(bytes, 0)) {
        if (header->nla_len < attribute_header || header->nla_len > bytes.size()) return std::nullopt;
        attributes.push_back({.type = header->nla_type,
                              .length = header->nla_len,
                              .payload = bytes.subspan(attribute_header, header->nla_len - attribute_header)});
        bytes = bytes.subspan(std::min(netlink_aligned(header->nla_len), bytes.size()));
    }
    if (!bytes.empty()) return std::nullopt;
    return attributes;
}

std::optional<NetlinkError> netlink_error(const NetlinkPart& part) {
    const std::optional<std::int32_t> code = read_at<std::int32_t>(part.payload, 0);
    const std::optional<nlmsghdr> request = read_at<nlmsghdr>(part.payload, sizeof(std::int32_t));
    if (part.header.nlmsg_type != NLMSG_ERROR || !code || !request) return std::nullopt;
    const bool is_capped = (part.header.nlmsg_flags & NLM_F_CAPPED) != 0;
    const std::size_t request_length = is_capped ? sizeof(nlmsghdr) : request->nlmsg_len;
    const std::optional<ByteView> whole = slice(part.payload, sizeof(std::int32_t), request_length);
    if (!whole) return std::nullopt;
    NetlinkError error{.error = -*code, .request = *whole, .attributes = {}, .message = {}};
    if ((part.header.nlmsg_flags & NLM_F_ACK_TLVS) == 0) return error;
    const std::size_t end = sizeof(std::int32_t) + netlink_aligned(request_length);
    if (end > part.payload.size()) return error;
    error.attributes = part.payload.subspan(end);
    const auto attributes = netlink_attributes(error.attributes);
    if (!attributes) return error;
    for (const NetlinkAttribute& attribute : *attributes) {
        if (attribute.type == NLMSGERR_ATTR_MSG) error.message = string_at(attribute.payload, 0).value_or("");
    }
    return error;
}

}  // namespace minibpf
