// The gate that says what passes through it: why each call is made, and the call as strace prints it.
//
//     # `config` is created because hello refers to it in instruction 12
//     bpf(BPF_MAP_CREATE, {map_type=BPF_MAP_TYPE_HASH, key_size=4, value_size=12, ...}, 72) = 5
//
// A file that takes many reads (/proc/kallsyms takes 1,300, for the kernel hands it out by the page) is told of by its
// first two and the last one, unless the lines are all that was asked for.
//
// A call's lines are written when it has returned. The event path (waiting, and reading the trace pipe) passes in
// silence: it would drown everything else.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <libminibpf/kernel/encode.hpp>
#include <libminibpf/kernel/kernel_gate.hpp>
#include <libminibpf/narrate/sink.hpp>
#include <libminibpf/narrate/strace_line.hpp>

#pragma GCC visibility push(default)

namespace minibpf {

/// How much is said of each call.
struct NarrationOptions {
    AttrSize attr_size = AttrSize::minimal;  ///< the same as the LiveGate's
    StraceVersion strace_version = StraceVersion::v6_1;
    bool reasons = true;  ///< before each call a line `# why`
    bool explain =
        false;  ///< after each call a line for what it does, and one for each field that strace shows misleadingly
    bool color = false;  ///< for a terminal: reasons and explanations faint, errors red
};

/// Recognises the calls of the event path: waiting, and reading what was opened as a trace pipe.
class EventPath {
public:
    bool contains(const Syscall& call) const noexcept;  ///< whether the call is one of them
    void note(const Syscall& call,
              const Answer& answer);  ///< every call and its answer, to know which trace pipes are open

private:
    std::set<int> event_fds_;
};

/// Recognises a file that is read on and on, and counts.
class LongRead {
public:
    /// Whether the call is at least the third read in a row of the same descriptor.
    bool goes_on(const Syscall& call) const noexcept;
    void note(const Syscall& call, const Answer& answer) noexcept;  ///< every call and its answer

    void leave_out(const Answer& answer) noexcept;  ///< counts a read that is not told of
    /// "1,329 more reads, 5,388,112 bytes" were left out since this was asked last; empty for none.
    std::string left_out();

private:
    int fd_ = -1;
    int reads_ = 0;  // in a row
    std::uint64_t left_out_ = 0;
    std::uint64_t bytes_ = 0;
};

/// Tells `sink` each call, and passes it on.
class NarratingGate final : public KernelGate {
public:
    /// `next` makes the calls, and outlives this.
    NarratingGate(KernelGate& next, Sink sink, NarrationOptions options = {})
        : next_(next), sink_(std::move(sink)), options_(options) {}

    using KernelGate::enter;
    Answer enter(const Syscall& call, const Reason& reason) noexcept override;

private:
    void say(std::string_view color, const std::string& text) const;
    void say_what_was_left_out();
    void narrate(const StraceLine& line, const Syscall& call, const Reason& reason, const Answer& answer) const;

    KernelGate& next_;
    Sink sink_;
    NarrationOptions options_;
    EventPath event_path_;
    LongRead long_read_;
};

}  // namespace minibpf

#pragma GCC visibility pop
