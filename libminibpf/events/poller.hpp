// Waiting for events from several buffers at once (epoll(7)).
//
//     Poller poller(gate);
//     PerfBuffer output(poller, object.require_map("output"), on_sample, on_lost);
//     while (!stop) poller.wait(100);
//
// The event path: waiting and reading are not narrated. Once mapped, a ring is memory that the kernel writes and we
// read.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include <libminibpf/kernel/fd.hpp>

#pragma GCC visibility push(default)

namespace minibpf {

/// Waits for several things at once, and calls the handler of each.
class Poller {
public:
    /// `gate` outlives this. epoll_create1(2) is called with the first thing to wait for.
    explicit Poller(KernelGate& gate) : gate_(gate) {}
    Poller(const Poller&) = delete;
    Poller& operator=(const Poller&) = delete;

    KernelGate& gate() const noexcept { return gate_; }  ///< by which it waits

    /// Keeps a handler in its Poller; when it dies the handler is called no more. The Poller outlives it.
    class Registration {
    public:
        Registration() = default;
        /// Of the handler at that index.
        Registration(std::vector<std::function<void()>>& handlers, std::size_t index)
            : handlers_(&handlers), index_(index) {}
        Registration(Registration&& other) noexcept
            : handlers_(std::exchange(other.handlers_, nullptr)), index_(other.index_) {}
        Registration& operator=(Registration&& other) noexcept {
            std::swap(handlers_, other.handlers_);
            std::swap(index_, other.index_);
            return *this;
        }
        ~Registration() {
            if (handlers_ != nullptr) (*handlers_)[index_] = nullptr;
        }

    private:
        std::vector<std::function<void()>>* handlers_ = nullptr;
        std::size_t index_ = 0;
    };

    /// Calls `on_ready` from wait() whenever `fd` is readable, as long as the Registration lives.
    [[nodiscard]] Registration add(int fd, std::function<void()> on_ready, const Reason& reason = {});

    /// Calls `on_round` at the end of every wait(): for what epoll does not wake for in time, such as trace_pipe.
    [[nodiscard]] Registration add_each_round(std::function<void()> on_round);

    /// Waits until something is ready, a signal comes or `timeout_ms` has passed, and handles what there is.
    void wait(int timeout_ms);

    /// Handles what is in every buffer now, without waiting: for the end.
    void drain();

private:
    KernelGate& gate_;
    Fd epoll_;  // made with the first add()
    std::vector<std::function<void()>> ready_;
    std::vector<std::function<void()>> rounds_;
};

}  // namespace minibpf

#pragma GCC visibility pop
