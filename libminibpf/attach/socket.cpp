// Sockets. A socket filter says of each packet that a socket is to receive how many of its bytes are let in; 0 throws
// it away. It changes nothing for others: a packet socket (packet(7)) gets a copy of what passes an interface, and the
// filter chooses among the copies. This is how tcpdump listens, with the ancestor of all this, classic BPF.
//
//     socket(AF_PACKET) -> SO_ATTACH_BPF -> bind to the interface        in this order, lest packets come in unfiltered
//
// An sk_reuseport program (Linux 4.19) stands before the sockets of several processes that all listen at one address
// (SO_REUSEPORT), and chooses which of them gets the connection or packet.
//
// Both are attached by setsockopt (SO_ATTACH_BPF, 3.19; SO_ATTACH_REUSEPORT_EBPF, 4.5), and go with the socket at the
// latest.
#include <libminibpf/attach/attach.hpp>

#include <cerrno>

#include <fmt/format.h>
#include <linux/if_ether.h>
#include <sys/socket.h>

#include <libminibpf/attach/interface.hpp>
#include <libminibpf/kernel/kernel_error.hpp>

namespace minibpf {

namespace {

/// A packet socket of ours: closing it is all there is to undo.
class PacketSocket final : public Attachment {
public:
    explicit PacketSocket(Fd socket) : socket_(std::move(socket)) {}
    int packet_fd() const noexcept override { return socket_.get(); }

private:
    Fd socket_;
};

Fd open_packet_socket(KernelGate& gate, const std::string& doing) {
    const SocketCreate call{.domain = AF_PACKET, .type = SOCK_RAW | SOCK_NONBLOCK};
    const Answer answer = gate.enter(call, "for copies of the packets; it receives none before it is bound");
    if (answer.ok()) return Fd(gate, answer.fd());
    const Error error = kernel_error(doing, call, answer);
    switch (answer.error) {
        case EPERM: throw error.with_hint("run as root, or grant CAP_NET_RAW");
        case EAFNOSUPPORT:
            throw error.with_hint("the kernel needs packet sockets (CONFIG_PACKET)").with_blame(Blame::facility);
        default: throw error;
    }
}

std::string socket_hint(int error) {
    switch (error) {
        case EPERM: return "the socket's filter is locked (SO_LOCK_FILTER)";
        case EINVAL: return "the program is of another type, or the socket does not share its address (SO_REUSEPORT)";
        default: return {};
    }
}

}  // namespace

Link attach_socket_filter(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions&) {
    const InterfaceTarget target = parse_interface_target(hook.target);
    std::string description = fmt::format("{} at {}", program.name(), hook_text(hook));
    const std::string doing = "attaching " + description;
    const std::uint32_t interface = interface_index(gate, target.name, description);
    Fd socket = open_packet_socket(gate, doing);
    const SetSocketOption attach{
        .socket_fd = socket.get(), .level = SOL_SOCKET, .name = SO_ATTACH_BPF, .value = program.fd()};
    const Answer attached =
        gate.enter(attach, [&] { return fmt::format("{} chooses which packets are let in", program.name()); });
    if (!attached.ok()) throw kernel_error(doing, attach, attached, socket_hint(attached.error));
    const BindPacket bind{.socket_fd = socket.get(), .protocol = ETH_P_ALL, .interface = interface};
    const Answer bound = gate.enter(bind, [&] { return fmt::format("from here on {} runs", program.name()); });
    if (!bound.ok()) throw kernel_error(doing, bind, bound, bound.error == ENETDOWN ? "the interface is down" : "");
    return Link(std::move(description), std::make_unique<PacketSocket>(std::move(socket)));
}

Link attach_to_socket(KernelGate& gate, const Program& program, int socket_fd) {
    const bool is_filter = program.spec().kind.type == BPF_PROG_TYPE_SOCKET_FILTER;
    std::string description = fmt::format("{} at socket {}", program.name(), socket_fd);
    const SetSocketOption call{.socket_fd = socket_fd,
                               .level = SOL_SOCKET,
                               .name = is_filter ? SO_ATTACH_BPF : SO_ATTACH_REUSEPORT_EBPF,
                               .value = program.fd()};
    const SetSocketOption detach{
        .socket_fd = socket_fd, .level = SOL_SOCKET, .name = is_filter ? SO_DETACH_BPF : SO_DETACH_REUSEPORT_BPF};
    auto attachment = std::make_unique<CallAttachment>(gate, Fd(), detach,
                                                       "the socket stays open, so the program has to be taken away");
    const Answer answer =
        attachment->attach(call, [&] { return fmt::format("{} runs for this socket", program.name()); });
    if (!answer.ok()) throw kernel_error("attaching " + description, call, answer, socket_hint(answer.error));
    return Link(std::move(description), std::move(attachment));
}

}  // namespace minibpf
