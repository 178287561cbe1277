// Show, ask, make the call, show what came of it.
#include <libminibpf/narrate/stepping_gate.hpp>

#include <cerrno>
#include <optional>

#include <fmt/format.h>

#include <libminibpf/narrate/call_details.hpp>
#include <libminibpf/narrate/explain.hpp>

namespace minibpf {

namespace {

constexpr const char* prompt = "[Enter] make the call   [c] run on   [q] undo and quit > ";

Answer cancelled() noexcept {
    return {.value = -1, .error = ECANCELED, .origin = Origin::injected};
}

}  // namespace

// Destructors enter here, so whatever goes wrong with showing (memory, the stream) stays inside. Clean-up is made all
// the same; any other call is not made unseen.
Answer SteppingGate::enter(const Syscall& call, const Reason& reason) noexcept {
    if (mode_ != Mode::quit && event_path_.contains(call)) return next_.enter(call, reason);
    if (mode_ != Mode::quit && long_read_.goes_on(call)) {
        const Answer answer = next_.enter(call, reason);
        long_read_.note(call, answer);
        if (answer.ok()) long_read_.leave_out(answer);
        return answer;
    }
    std::optional<StraceLine> line;
    try {
        if (mode_ != Mode::run) line.emplace(call, options_.attr_size, options_.strace_version);
        const std::string reads = long_read_.left_out();
        if (!reads.empty() && mode_ == Mode::step) out_ << fmt::format("({})\n", reads);
        if (!is_cleanup(call) && mode_ == Mode::step) {
            show_call(*line, call, reason);
            ask();
        }
    } catch (...) {
        mode_ = Mode::quit;
    }
    if (mode_ == Mode::quit && !is_cleanup(call)) return cancelled();
    const Answer answer = next_.enter(call, reason);
    try {
        note_descriptors(call, answer);
        long_read_.note(call, answer);
        if (line) show_result(*line, call, answer);
    } catch (...) {
    }
    return answer;
}

void SteppingGate::show_call(const StraceLine& line, const Syscall& call, const Reason& reason) {
    out_ << fmt::format("\n--- {}. {}: {}\n", ++step_, call_name(call), what_it_does(call));
    const std::string why = reason.text();
    if (!why.empty()) out_ << "why: " << why << '\n';
    out_ << line.text() << '\n';
    for (const std::string& text : field_lines(fields_of(call, options_.attr_size, options_.strace_version))) {
        out_ << "  " << text << '\n';
    }
    for (const std::string& text : pointed_to_lines(call, options_.insn_limit)) out_ << "  " << text << '\n';
}

void SteppingGate::ask() {
    std::string reply;
    bool more = false;
    do {
        out_ << prompt << std::flush;
        more = static_cast<bool>(std::getline(in_, reply));
    } while (more && !reply.empty() && reply != "c" && reply != "q");
    if (!more || reply == "q") {
        mode_ = Mode::quit;
        out_ << "quitting: what was done so far is undone\n" << std::flush;
    } else if (reply == "c") {
        mode_ = Mode::run;
    }
}

void SteppingGate::show_result(const StraceLine& line, const Syscall& call, const Answer& answer) {
    out_ << (is_cleanup(call) ? "\nclean-up: " : "") << line.finish(answer) << '\n';
    const auto opened = answer.ok() ? open_.find(answer.fd()) : open_.end();
    if (opened != open_.end() && !what_it_opens(call).empty()) {
        out_ << fmt::format("descriptor {} is now {}\n", opened->first, opened->second);
    }
    std::string list;
    for (const auto& [fd, what] : open_) list += fmt::format("{}{} {}", list.empty() ? "" : ", ", fd, what);
    out_ << "open: " << (list.empty() ? "nothing" : list) << '\n' << std::flush;
}

void SteppingGate::note_descriptors(const Syscall& call, const Answer& answer) {
    event_path_.note(call, answer);
    if (const Close* close = std::get_if<Close>(&call)) open_.erase(close->fd);
    const std::string what = what_it_opens(call);
    if (answer.ok() && !what.empty()) open_[answer.fd()] = what;
}

}  // namespace minibpf
