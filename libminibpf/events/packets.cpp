// A packet socket gives one packet for each read(2), cut off where the program said. It does not block, so reading goes
// on until there is none left.
#include <libminibpf/events/packets.hpp>

#include <cerrno>

#include <libminibpf/kernel/kernel_error.hpp>

namespace minibpf {

namespace {

constexpr std::size_t largest_packet = 65536;
constexpr int most_packets_at_once = 1000;  // others have their turn, even on an interface that is never idle

}  // namespace

PacketReader::PacketReader(Poller& poller, int packet_fd, OnPacket on_packet)
    : gate_(poller.gate()), fd_(packet_fd), on_packet_(std::move(on_packet)), buffer_(largest_packet) {
    registration_ = poller.add(
        fd_, [this] { drain(); }, "wait for packets");
}

void PacketReader::drain() {
    for (int i = 0; i < most_packets_at_once; ++i) {
        const Read call{.fd = fd_, .buffer = buffer_};
        const Answer answer = gate_.enter(call);
        if (!answer.ok() && answer.error != EAGAIN && answer.error != EINTR && answer.error != ENETDOWN)
            throw kernel_error("reading packets", call, answer);
        if (!answer.ok() || answer.value == 0) return;
        on_packet_(ByteView(buffer_).first(std::min(buffer_.size(), static_cast<std::size_t>(answer.value))));
    }
}

}  // namespace minibpf
