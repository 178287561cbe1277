// Netlink requests, one at a time: the kernel does what a message asks for while it is being sent, and its answer can
// be read at once.
#include <libminibpf/attach/route_socket.hpp>

#include <array>
#include <cerrno>
#include <optional>

#include <fmt/format.h>
#include <sys/socket.h>

#include <libminibpf/kernel/kernel_error.hpp>

namespace minibpf {

namespace {

using ReceiveBuffer = std::array<std::byte, 8192>;  // what the kernel puts into one answer at the most

// Reads until the answer to `sequence`: answers to requests before it, whose reading failed, may lie in front of it.
Answer receive_answer(KernelGate& gate, const ReceiveFrom& call, std::uint32_t sequence,
                      const Reason& reason) noexcept {
    while (true) {
        const Answer answer = gate.enter(call, reason);
        if (!answer.ok() && answer.error == EINTR) continue;
        if (!answer.ok() || answer.value == 0) return answer;
        const auto header = read_at<nlmsghdr>(call.buffer.first(static_cast<std::size_t>(answer.value)), 0);
        if (!header || header->nlmsg_seq == sequence) return answer;
    }
}

std::uint32_t sequence_of(const NetlinkMessage& message) noexcept {
    return read_at<nlmsghdr>(message.bytes(), 0)->nlmsg_seq;
}

}  // namespace

RouteSocket::RouteSocket(KernelGate& gate, std::string description)
    : gate_(gate), description_(std::move(description)) {
    const SocketCreate open{.domain = AF_NETLINK, .type = SOCK_RAW, .protocol = NETLINK_ROUTE};
    const Answer opened = gate.enter(open, "network configuration is changed by messages over netlink");
    if (!opened.ok()) throw kernel_error(description_, open, opened);
    fd_ = Fd(gate, opened.fd());
    // Before Linux 4.12 the kernel cannot, and numbers have to do.
    gate.enter(SetSocketOption{.socket_fd = fd_.get(), .level = SOL_NETLINK, .name = NETLINK_EXT_ACK, .value = 1},
               "a refusal is to come with its reason");
    const BindNetlink bind{.socket_fd = fd_.get()};
    const Answer bound = gate.enter(bind);
    if (!bound.ok()) throw kernel_error(description_, bind, bound);
}

RouteSocket::Outcome RouteSocket::request(const NetlinkMessage& message, const Reason& reason) {
    const Answer sent = gate_.enter(SendTo{.socket_fd = fd_.get(), .data = message.bytes()}, reason);
    if (!sent.ok()) return {.error = sent.error, .message = {}, .call = "sendto", .was_done = false};
    const std::uint32_t sequence = sequence_of(message);
    ReceiveBuffer buffer;
    const Answer received = receive_answer(gate_, {.socket_fd = fd_.get(), .buffer = buffer}, sequence, {});
    if (!received.ok())
        return {.error = received.error, .message = {}, .call = "recvfrom", .was_done = was_done(sequence)};
    const ByteView bytes = std::span(buffer).first(std::min(buffer.size(), static_cast<std::size_t>(received.value)));
    for (const NetlinkPart& part : netlink_parts(bytes)) {
        if (const std::optional<NetlinkError> said = netlink_error(part))
            return {.error = said->error,
                    .message = std::string(said->message),
                    .call = "sendto",
                    .was_done = said->error == 0};
    }
    return {
        .error = EPROTO, .message = "the kernel's answer is no acknowledgement", .call = "recvfrom", .was_done = false};
}

// Answers come in the order of the requests. After one that asks for nothing, the other's, if there is any, comes
// first; reading on until then cannot wait for ever. The kernel loses an answer when it has no memory for it: then what
// was made, if it was, stays, sooner than that somebody else's is taken away.
bool RouteSocket::was_done(std::uint32_t sequence) noexcept {
    const NetlinkMessage nothing(NLMSG_NOOP, NLM_F_ACK, next_sequence());
    const Answer sent = gate_.enter(SendTo{.socket_fd = fd_.get(), .data = nothing.bytes(), .undoes = true},
                                    "the answer to this will come after the one that could not be read");
    if (!sent.ok()) return false;
    bool done = false;
    while (true) {
        ReceiveBuffer buffer;
        const Answer received =
            gate_.enter(ReceiveFrom{.socket_fd = fd_.get(), .buffer = buffer, .undoes = true}, "was it done?");
        if (!received.ok() && received.error == EINTR) continue;
        if (!received.ok() || received.value <= 0) return done;
        const std::size_t length = std::min(buffer.size(), static_cast<std::size_t>(received.value));
        for (const NetlinkPart& part : netlink_parts(std::span(buffer).first(length))) {
            const std::optional<NetlinkError> said = netlink_error(part);
            if (part.header.nlmsg_seq == sequence) done = said && said->error == 0;
            if (part.header.nlmsg_seq == sequence_of(nothing)) return done;
        }
    }
}

void RouteSocket::undo(const NetlinkMessage& message, const Reason& reason) noexcept {
    const Answer sent = gate_.enter(SendTo{.socket_fd = fd_.get(), .data = message.bytes(), .undoes = true}, reason);
    if (!sent.ok()) return;
    ReceiveBuffer buffer;
    receive_answer(gate_, {.socket_fd = fd_.get(), .buffer = buffer, .undoes = true}, sequence_of(message), {});
}

bool RouteSocket::finds_nothing(const NetlinkMessage& message, const Reason& reason) noexcept {
    const Answer sent = gate_.enter(SendTo{.socket_fd = fd_.get(), .data = message.bytes(), .undoes = true}, reason);
    if (!sent.ok()) return false;
    ReceiveBuffer buffer;
    const Answer received =
        receive_answer(gate_, {.socket_fd = fd_.get(), .buffer = buffer, .undoes = true}, sequence_of(message), {});
    if (!received.ok()) return false;
    const auto header = read_at<nlmsghdr>(buffer, 0);
    return header->nlmsg_type == NLMSG_DONE;
}

Error request_error(std::string doing, const RouteSocket::Outcome& outcome, std::string hint) {
    if (!outcome.message.empty()) doing += fmt::format(": the kernel says \"{}\"", outcome.message);
    const Syscall call = outcome.call == "recvfrom" ? Syscall(ReceiveFrom{}) : Syscall(SendTo{});
    if (outcome.error == EPERM) hint = "run as root, or grant CAP_NET_ADMIN";
    return kernel_error(std::move(doing), call, {.value = -1, .error = outcome.error}, std::move(hint));
}

}  // namespace minibpf
