// Netlink: how network configuration is asked of the kernel, by messages over a socket (rtnetlink(7), netlink(7)).
//
//     0               4       6       8           12          16
//     +---------------+-------+-------+-----------+-----------+----------------------+------------+--
//     | nlmsg_len     | type  | flags | nlmsg_seq | nlmsg_pid | a struct of its type | attributes |
//     +---------------+-------+-------+-----------+-----------+----------------------+------------+--
//                                                                                    /              \.
//                                                               nla_len | nla_type | payload, padded to 4
//
// An attribute's payload may be attributes again. The writer measures and pads; the reader never goes past an end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <linux/netlink.h>

#include <libminibpf/base/bytes.hpp>

namespace minibpf {

/// One message that is being written. Lengths are right at any time.
class NetlinkMessage {
public:
    /// `flags` beside NLM_F_REQUEST: NLM_F_ACK, NLM_F_CREATE, ...
    NetlinkMessage(std::uint16_t type, std::uint16_t flags, std::uint32_t sequence);

    /// The struct that every message of this type begins with: ifinfomsg, tcmsg.
    template <class T>
    void append(const T& value) {
        append_bytes(bytes_of(value));
        update_length();
    }

    void add(std::uint16_t type, ByteView payload);
    void add(std::uint16_t type, std::uint32_t value) { add(type, bytes_of(value)); }
    /// With its NUL.
    void add_string(std::uint16_t type, const std::string& text) {
        add(type, std::as_bytes(std::span(text.c_str(), text.size() + 1)));
    }

    /// Opens an attribute that holds those added until end_nested().
    std::size_t begin_nested(std::uint16_t type);
    void end_nested(std::size_t begin);

    ByteView bytes() const noexcept { return bytes_; }

private:
    void append_bytes(ByteView bytes);
    void update_length();

    Bytes bytes_;
};

/// One message of those that a buffer holds.
struct NetlinkPart {
    nlmsghdr header{};
    ByteView payload;  ///< what follows the header
};

struct NetlinkAttribute {
    std::uint16_t type = 0;    ///< with NLA_F_NESTED where it is set
    std::uint16_t length = 0;  ///< nla_len: payload and header
    ByteView payload;
};

/// The messages in `bytes`, up to the first whose length cannot be right.
std::vector<NetlinkPart> netlink_parts(ByteView bytes);

/// The attributes in `bytes`, likewise; nothing when some bytes are left that are no attribute.
std::optional<std::vector<NetlinkAttribute>> netlink_attributes(ByteView bytes);

/// What an NLMSG_ERROR says. An error of 0 is the acknowledgement.
struct NetlinkError {
    int error = 0;             ///< errno
    ByteView request;          ///< the request's header, and unless it was cut off (NLM_F_CAPPED) the rest of it
    ByteView attributes;       ///< NLMSGERR_ATTR_*, with NLM_F_ACK_TLVS
    std::string_view message;  ///< the extended acknowledgement (Linux 4.12): the refusal in words; may be empty
};

/// Nothing when it is no NLMSG_ERROR, or a malformed one.
std::optional<NetlinkError> netlink_error(const NetlinkPart& part);

}  // namespace minibpf
