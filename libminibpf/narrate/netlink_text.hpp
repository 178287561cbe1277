// Netlink messages and sockets as strace prints them: `[{nlmsg_len=48, nlmsg_type=RTM_NEWQDISC, ...}, {...}, [...]]`.
#pragma once

#include <string>

#include <libminibpf/base/bytes.hpp>
#include <libminibpf/kernel/syscall.hpp>

namespace minibpf {

/// The messages in `bytes`, decoded as far as minibpf sends and gets them; bytes in quotes where they are no message.
std::string netlink_text(ByteView bytes);

// The arguments of the calls on sockets.
std::string socket_text(const SocketCreate& call);
std::string socket_text(const InterfaceIndex& call);
std::string socket_text(const BindPacket& call);
std::string socket_text(const BindNetlink& call);
std::string socket_text(const SetSocketOption& call);

}  // namespace minibpf
