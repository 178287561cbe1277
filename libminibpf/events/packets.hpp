// The packets that a socket filter lets in: a Link to `socket:eth0` holds a packet socket, and this reads it.
#pragma once

#include <functional>

#include <libminibpf/base/bytes.hpp>
#include <libminibpf/events/poller.hpp>

#pragma GCC visibility push(default)

namespace minibpf {

/// Hands out the packets of a socket filter as they come, while its Poller waits.
class PacketReader {
public:
    /// Of each packet what the program let in, from the Ethernet header on; at most 64 KiB.
    using OnPacket = std::function<void(ByteView packet)>;

    /// `packet_fd` is Link::packet_fd(), and the Link outlives this.
    PacketReader(Poller& poller, int packet_fd, OnPacket on_packet);
    PacketReader(const PacketReader&) = delete;
    PacketReader& operator=(const PacketReader&) = delete;

private:
    void drain();

    KernelGate& gate_;
    int fd_;
    OnPacket on_packet_;
    Bytes buffer_;
    Poller::Registration registration_;
};

}  // namespace minibpf

#pragma GCC visibility pop
