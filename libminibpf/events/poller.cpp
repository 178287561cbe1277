// One epoll set for all rings of an object; the number that epoll gives back is the index of the handler.
#include <libminibpf/events/poller.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <thread>

#include <libminibpf/kernel/kernel_error.hpp>

namespace minibpf {

namespace {

void call_all(const std::vector<std::function<void()>>& handlers) {
    for (const auto& handler : handlers) {
        if (handler) handler();
    }
}

constexpr int longest_nap_ms = 50;  // a signal does not cut std::this_thread::sleep_for() short

}  // namespace

Poller::Registration Poller::add(int fd, std::function<void()> on_ready, const Reason& reason) {
    if (!epoll_.is_open()) {
        const EpollCreate create;
        const Answer answer = gate_.enter(create, "one place to wait for all rings");
        if (!answer.ok()) throw kernel_error("waiting for events", create, answer);
        epoll_ = Fd(gate_, answer.fd());
    }
    const EpollAdd call{.epoll_fd = epoll_.get(), .fd = fd, .data = static_cast<std::uint32_t>(ready_.size())};
    const Answer answer = gate_.enter(call, reason);
    if (!answer.ok()) throw kernel_error("waiting for events", call, answer);
    ready_.push_back(std::move(on_ready));
    return {ready_, ready_.size() - 1};
}

Poller::Registration Poller::add_each_round(std::function<void()> on_round) {
    rounds_.push_back(std::move(on_round));
    return {rounds_, rounds_.size() - 1};
}

void Poller::wait(int timeout_ms) {
    if (!epoll_.is_open()) {
        std::this_thread::sleep_for(std::chrono::milliseconds(std::min(timeout_ms, longest_nap_ms)));
    } else {
        std::array<std::uint32_t, 64> ready{};
        const EpollWait call{.epoll_fd = epoll_.get(), .ready = ready, .timeout_ms = timeout_ms};
        const Answer answer = gate_.enter(call);
        if (!answer.ok() && answer.error != EINTR) throw kernel_error("waiting for events", call, answer);
        for (long i = 0; i < answer.value; ++i) {
            if (const auto& on_ready = ready_.at(ready[static_cast<std::size_t>(i)])) on_ready();
        }
    }
    call_all(rounds_);
}

void Poller::drain() {
    call_all(ready_);
    call_all(rounds_);
}

}  // namespace minibpf
