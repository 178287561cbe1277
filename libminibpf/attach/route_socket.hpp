// A conversation with the kernel's network configuration: a request, and what came of it.
#pragma once

#include <cstdint>
#include <string>

#include <libminibpf/base/error.hpp>
#include <libminibpf/kernel/fd.hpp>
#include <libminibpf/kernel/netlink.hpp>

namespace minibpf {

/// A netlink socket of the family NETLINK_ROUTE. What it is asked takes CAP_NET_ADMIN, for the most part.
class RouteSocket {
public:
    /// `description`, what it is for, goes into errors.
    RouteSocket(KernelGate& gate, std::string description);

    struct Outcome {
        int error = 0;          ///< errno, 0 when it was done
        std::string message;    ///< the kernel's own words, where it has any
        std::string call;       ///< which call failed; "sendto" when the kernel refused what it was sent
        bool was_done = false;  ///< the kernel has done it, even where its answer could not be read in time

        bool ok() const noexcept { return error == 0; }
    };

    /// Sends a request with NLM_F_ACK, and waits for its acknowledgement.
    Outcome request(const NetlinkMessage& message, const Reason& reason = {});

    /// The same for requests that undo something: made even while the user is quitting, the answer does not matter.
    void undo(const NetlinkMessage& message, const Reason& reason) noexcept;

    /// Whether a request with NLM_F_DUMP finds nothing at all. False when it could not be asked. No further request may
    /// follow when there was something, for the rest of it has not been read.
    bool finds_nothing(const NetlinkMessage& message, const Reason& reason) noexcept;

    std::uint32_t next_sequence() noexcept { return ++sequence_; }

private:
    bool was_done(std::uint32_t sequence) noexcept;

    KernelGate& gate_;
    std::string description_;
    Fd fd_;
    std::uint32_t sequence_ = 0;
};

/// The Error of a request that was refused. `hint` is the next thing to try.
Error request_error(std::string doing, const RouteSocket::Outcome& outcome, std::string hint);

}  // namespace minibpf
