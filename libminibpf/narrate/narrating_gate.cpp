// Makes the line's first half, lets the call pass, makes the other half, and says it.
#include <libminibpf/narrate/narrating_gate.hpp>

#include <optional>
#include <utility>

#include <fmt/format.h>
#include <sys/socket.h>

#include <libminibpf/narrate/call_details.hpp>
#include <libminibpf/narrate/explain.hpp>

namespace minibpf {

namespace {

constexpr std::string_view faint = "\033[2m";
constexpr std::string_view red = "\033[31m";
constexpr std::string_view plain = "\033[0m";

}  // namespace

bool EventPath::contains(const Syscall& call) const noexcept {
    if (std::holds_alternative<EpollWait>(call)) return true;
    const Read* read = std::get_if<Read>(&call);
    return read != nullptr && event_fds_.count(read->fd) != 0;
}

void EventPath::note(const Syscall& call, const Answer& answer) {
    if (const Close* close = std::get_if<Close>(&call)) event_fds_.erase(close->fd);
    const SocketCreate* socket = std::get_if<SocketCreate>(&call);
    if (socket != nullptr && answer.ok() && socket->domain == AF_PACKET) event_fds_.insert(answer.fd());
    const OpenAt* open = std::get_if<OpenAt>(&call);
    if (open != nullptr && answer.ok() && open->path.ends_with("trace_pipe")) event_fds_.insert(answer.fd());
}

bool LongRead::goes_on(const Syscall& call) const noexcept {
    const Read* read = std::get_if<Read>(&call);
    return read != nullptr && read->fd == fd_ && reads_ >= 2;
}

void LongRead::note(const Syscall& call, const Answer& answer) noexcept {
    const Read* read = std::get_if<Read>(&call);
    const bool is_piece = read != nullptr && answer.ok() && answer.value > 0;
    reads_ = !is_piece ? 0 : read->fd == fd_ ? reads_ + 1 : 1;
    fd_ = is_piece ? read->fd : -1;
}

void LongRead::leave_out(const Answer& answer) noexcept {
    ++left_out_;
    bytes_ += static_cast<std::uint64_t>(answer.value);
}

std::string LongRead::left_out() {
    const std::uint64_t reads = std::exchange(left_out_, 0);
    const std::uint64_t bytes = std::exchange(bytes_, 0);
    return reads == 0 ? "" : fmt::format("{} more reads of it, {} bytes", reads, bytes);
}

// What goes wrong with the words (memory, the sink) must not keep the call from being made: destructors enter here.
Answer NarratingGate::enter(const Syscall& call, const Reason& reason) noexcept {
    if (event_path_.contains(call)) return next_.enter(call, reason);
    std::optional<StraceLine> line;
    try {
        line.emplace(call, options_.attr_size, options_.strace_version);
    } catch (...) {
    }
    const Answer answer = next_.enter(call, reason);
    try {
        event_path_.note(call, answer);
        const bool goes_on = options_.reasons && long_read_.goes_on(call);
        long_read_.note(call, answer);
        if (goes_on && answer.ok() && answer.value > 0) {
            long_read_.leave_out(answer);
            return answer;
        }
        say_what_was_left_out();
        if (line) narrate(*line, call, reason, answer);
    } catch (...) {
    }
    return answer;
}

void NarratingGate::say(std::string_view color, const std::string& text) const {
    sink_(options_.color && !color.empty() ? fmt::format("{}{}{}", color, text, plain) : text);
}

void NarratingGate::say_what_was_left_out() {
    const std::string reads = long_read_.left_out();
    if (!reads.empty()) say(faint, "# " + reads);
}

void NarratingGate::narrate(const StraceLine& line, const Syscall& call, const Reason& reason,
                            const Answer& answer) const {
    const std::string why = options_.reasons ? reason.text() : "";
    if (!why.empty()) say(faint, "# " + why);
    say(answer.ok() ? "" : red, line.finish(answer));
    if (!options_.explain) return;
    say(faint, fmt::format("    {}", what_it_does(call)));
    for (const CallField& field : fields_of(call, options_.attr_size, options_.strace_version)) {
        if (field.is_puzzling) say(faint, fmt::format("    {}={}: {}", field.name, field.value, field.meaning));
    }
}

}  // namespace minibpf
