// Sockets. A socket filter says of each packet that a socket is to receive how many of its bytes are let in; 0 throws
// it away. It changes nothing for others: a packet socket (packet(7)) gets a copy of what passes an interface, and the
// filter chooses among the copies. This is how tcpdump listens, with the ancestor of all this, classic BPF.
//
//     socket(AF_PACKET) -> SO_ATTACH_BPF -> bind to the interface        in this order, lest packets come in unfiltered
//
// An sk_reuseport program (Linux 4.19) stands before the sockets of several processes that all listen at one address
// (SO_REUSEPORT), and chooses which of them gets the connection or packet.
//
// The sockets are those of the processes that serve. A loader gets hold of one by pidfd_getfd(2) (5.6), as a copy of
// the other process's descriptor: sk_reuseport:PID/FD.
//
// Both are attached by setsockopt (SO_ATTACH_BPF, 3.19; SO_ATTACH_REUSEPORT_EBPF, 4.5), and go with the socket at the
// latest.
#include <libminibpf/attach/attach.hpp>

#include <cerrno>
#include <cstdint>

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

namespace {

// `owned`, if it is open, is the socket, and is kept open until the end.
Link attach_by_option(KernelGate& gate, const Program& program, int socket_fd, Fd owned, std::string description) {
    const bool is_filter = program.spec().kind.type == BPF_PROG_TYPE_SOCKET_FILTER;
    const SetSocketOption call{.socket_fd = socket_fd,
                               .level = SOL_SOCKET,
                               .name = is_filter ? SO_ATTACH_BPF : SO_ATTACH_REUSEPORT_EBPF,
                               .value = program.fd()};
    const SetSocketOption detach{
        .socket_fd = socket_fd, .level = SOL_SOCKET, .name = is_filter ? SO_DETACH_BPF : SO_DETACH_REUSEPORT_BPF};
    auto attachment = std::make_unique<CallAttachment>(gate, std::move(owned), detach,
                                                       "the socket stays open, so the program has to be taken away");
    const Answer answer =
        attachment->attach(call, [&] { return fmt::format("{} runs for this socket", program.name()); });
    if (!answer.ok()) throw kernel_error("attaching " + description, call, answer, socket_hint(answer.error));
    return Link(std::move(description), std::move(attachment));
}

struct SocketOfProcess {
    int pid = 0, fd = 0;
};

SocketOfProcess parse_socket(const Hook& hook) {
    const std::string_view text = hook.target;
    const std::size_t slash = text.find('/');
    const auto pid = parse_offset(text.substr(0, slash));
    const auto fd = slash == std::string_view::npos ? std::nullopt : parse_offset(text.substr(slash + 1));
    if (!pid || !fd || *pid > INT32_MAX || *fd > INT32_MAX) {
        throw_usage(fmt::format("hook '{}': this names no socket", hook_text(hook)),
                    "write sk_reuseport:PID/FD; `ss -lnp` shows pid= and fd= of each socket that is listened at");
    }
    return {.pid = static_cast<int>(*pid), .fd = static_cast<int>(*fd)};
}

std::string process_hint(int error) {
    switch (error) {
        case ESRCH: return "there is no such process";
        case EBADF: return "the process has no such descriptor: `ss -lnp` shows fd= of its sockets";
        case EPERM: return "taking a descriptor of another process takes the right to trace it: run as root";
        case ENOSYS: return "pidfd_getfd() came with Linux 5.6";
        default: return {};
    }
}

Fd enter_for_fd(KernelGate& gate, const Syscall& call, const Reason& reason, const std::string& doing) {
    const Answer answer = gate.enter(call, reason);
    if (answer.ok()) return Fd(gate, answer.fd());
    const Error error = kernel_error(doing, call, answer, process_hint(answer.error));
    throw answer.error == ESRCH || answer.error == EBADF ? error.with_blame(Blame::object) : error;
}

}  // namespace

Link attach_reuseport(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options) {
    if (options.by == AttachBy::link)
        throw_usage(fmt::format("hook '{}': sockets have no links", hook_text(hook)), "leave out --link");
    const SocketOfProcess target = parse_socket(hook);
    std::string description = fmt::format("{} at {}", program.name(), hook_text(hook));
    const std::string doing = "attaching " + description;
    const Fd process =
        enter_for_fd(gate, PidfdOpen{.pid = target.pid}, "this descriptor stands for the process", doing);
    Fd socket = enter_for_fd(gate, PidfdGetFd{.pidfd = process.get(), .target_fd = target.fd},
                             "the process's socket becomes ours as well", doing);
    const int fd = socket.get();
    return attach_by_option(gate, program, fd, std::move(socket), std::move(description));
}

Link attach_to_socket(KernelGate& gate, const Program& program, int socket_fd) {
    return attach_by_option(gate, program, socket_fd, Fd(), fmt::format("{} at socket {}", program.name(), socket_fd));
}

}  // namespace minibpf
