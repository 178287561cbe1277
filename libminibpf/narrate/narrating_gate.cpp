// Makes the line's first half, lets the call pass, makes the other half, and says it.
#include <libminibpf/narrate/narrating_gate.hpp>

#include <optional>

#include <fmt/format.h>

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
    return read != nullptr && trace_pipes_.count(read->fd) != 0;
}

void EventPath::note(const Syscall& call, const Answer& answer) {
    if (const Close* close = std::get_if<Close>(&call)) trace_pipes_.erase(close->fd);
    const OpenAt* open = std::get_if<OpenAt>(&call);
    if (open != nullptr && answer.ok() && open->path.ends_with("trace_pipe")) trace_pipes_.insert(answer.fd());
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
        if (line) narrate(*line, call, reason, answer);
    } catch (...) {
    }
    return answer;
}

void NarratingGate::narrate(const StraceLine& line, const Syscall& call, const Reason& reason,
                            const Answer& answer) const {
    const auto say = [this](std::string_view color, const std::string& text) {
        sink_(options_.color && !color.empty() ? fmt::format("{}{}{}", color, text, plain) : text);
    };
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
