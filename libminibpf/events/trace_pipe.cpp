// Reading trace_pipe without waiting: since 6.1 poll(2) on it only wakes when the buffer is half full (buffer_percent),
// so the Poller asks each round instead.
#include <libminibpf/events/trace_pipe.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include <fcntl.h>
#include <fmt/format.h>

#include <libminibpf/base/error.hpp>
#include <libminibpf/kernel/kernel_error.hpp>

namespace minibpf {

namespace {

// A program that prints faster than we read must not keep us for ever.
constexpr int most_chunks = 64;

// "task-pid [cpu] flags time: event: ...", whoever wrote it.
bool has_header(std::string_view line) {
    const std::size_t bracket = line.find(" [");
    return bracket != std::string_view::npos && line.find("] ", bracket) == bracket + 5;
}

}  // namespace

bool is_loss_notice(std::string_view line) {
    return line.starts_with("CPU:") && line.find("[LOST ") != std::string_view::npos;
}

std::optional<TraceLine> parse_trace_line(std::string_view line) {
    constexpr std::string_view marker = ": bpf_trace_printk: ";
    const std::size_t begin = line.find_first_not_of(' ');
    const std::size_t at = line.find(marker);
    if (begin == std::string_view::npos || at == std::string_view::npos) return std::nullopt;
    TraceLine parsed{.whole = line.substr(begin), .message = line.substr(at + marker.size())};
    // "task-pid": a task's name may hold '-' and blanks, so the pid is what follows the last '-' before the CPU's '['.
    const std::string_view head = line.substr(begin, line.find(" [", begin) - begin);
    const std::size_t dash = head.rfind('-');
    if (dash == std::string_view::npos) return std::nullopt;
    parsed.task = head.substr(0, dash);
    std::from_chars(head.data() + dash + 1, head.data() + head.size(), parsed.pid);
    return parsed;
}

TracePipe::TracePipe(Poller& poller, PrintkFormats only, OnLine on_line)
    : gate_(poller.gate()), only_(std::move(only)), on_line_(std::move(on_line)) {
    pipe_ = open_tracefs(gate_, "trace_pipe", O_RDONLY | O_NONBLOCK, "what bpf_printk() prints comes out here");
    if (!pipe_.fd.is_open()) {
        throw Error({.doing = fmt::format("opening {}: it does not exist", pipe_.path),
                     .hint = "this kernel was built without CONFIG_TRACING, so bpf_printk() goes nowhere",
                     .blame = Blame::facility});
    }
    for (int i = 0; i < most_chunks && read_some(); ++i) {
    }
    pending_.clear();
    registration_ = poller.add_each_round([this] { drain(); });
}

bool TracePipe::read_some() {
    std::array<char, 16384> chunk;
    const Read call{.fd = pipe_.fd.get(), .buffer = std::as_writable_bytes(std::span(chunk))};
    const Answer answer = gate_.enter(call);
    if (!answer.ok() && answer.error != EAGAIN && answer.error != EINTR) {
        throw kernel_error(fmt::format("reading {}", pipe_.path), call, answer);
    }
    if (answer.value <= 0) return false;
    pending_.append(chunk.data(), static_cast<std::size_t>(answer.value));
    // The kernel fills about a page for each read while it has lines. Less than half of one was the last for now;
    // asking again would find the line of a program that sees every read(2), and then the next.
    constexpr long half_a_page = 2048;
    return answer.value >= half_a_page;
}

void TracePipe::drain() {
    // All is read before the first line is handed out: where every system call prints, printing makes new lines.
    for (int i = 0; i < most_chunks && read_some(); ++i) {
    }
    std::size_t begin = 0;
    for (std::size_t end; (end = pending_.find('\n', begin)) != std::string::npos; begin = end + 1) {
        hand_out(std::string_view(pending_).substr(begin, end - begin));
    }
    pending_.erase(0, begin);
}

bool TracePipe::is_ours(const TraceLine& line) const {
    const auto fits = [&](const std::string& format) { return matches_format(line.message, format); };
    return !only_.complete || std::any_of(only_.formats.begin(), only_.formats.end(), fits);
}

void TracePipe::hand_out(std::string_view line) {
    if (const std::optional<TraceLine> parsed = parse_trace_line(line)) {
        last_was_ours_ = is_ours(*parsed);
        if (last_was_ours_) on_line_(*parsed);
    } else if (is_loss_notice(line) || (last_was_ours_ && !has_header(line))) {
        TraceLine bare;
        bare.whole = bare.message = line;
        on_line_(bare);
    } else {
        last_was_ours_ = false;
    }
}

}  // namespace minibpf
