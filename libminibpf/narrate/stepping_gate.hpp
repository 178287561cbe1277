// The gate of `loader step`: stops before each call and shows it from all sides; after it, what changed.
#pragma once

#include <cstddef>
#include <istream>
#include <map>
#include <ostream>
#include <string>

#include <libminibpf/kernel/encode.hpp>
#include <libminibpf/kernel/kernel_gate.hpp>
#include <libminibpf/narrate/narrating_gate.hpp>

#pragma GCC visibility push(default)

namespace minibpf {

/// How the calls are shown.
struct SteppingOptions {
    AttrSize attr_size = AttrSize::minimal;  ///< the same as the LiveGate's
    StraceVersion strace_version = StraceVersion::v6_1;
    std::size_t insn_limit = 16;  ///< how many instructions of a program are shown; 0: all
};

/// Shows each call on `out` before it is made, and reads a line from `in`:
///
///     Enter   makes the call and stops at the next one
///     c       runs on without stopping or showing anything
///     q       answers ECANCELED to every further call but clean-up; so does the end of the input
///
/// Clean-up (is_cleanup) is shown and made without asking, after `q` too. The event path passes in silence,
/// and so do the third and further reads of one file.
class SteppingGate final : public KernelGate {
public:
    /// `next` makes the calls. All three outlive this.
    SteppingGate(KernelGate& next, std::istream& in, std::ostream& out, SteppingOptions options = {})
        : next_(next), in_(in), out_(out), options_(options) {}

    using KernelGate::enter;
    Answer enter(const Syscall& call, const Reason& reason) noexcept override;

    bool has_quit() const noexcept { return mode_ == Mode::quit; }  ///< whether somebody wrote q

private:
    enum class Mode { step, run, quit };

    void show_call(const StraceLine& line, const Syscall& call, const Reason& reason);
    void show_result(const StraceLine& line, const Syscall& call, const Answer& answer);
    void note_descriptors(const Syscall& call, const Answer& answer);
    void ask();

    KernelGate& next_;
    std::istream& in_;
    std::ostream& out_;
    SteppingOptions options_;
    Mode mode_ = Mode::step;
    int step_ = 0;
    std::map<int, std::string> open_;  // what each open descriptor is: 4 -> map "config"
    EventPath event_path_;
    LongRead long_read_;
};

}  // namespace minibpf

#pragma GCC visibility pop
