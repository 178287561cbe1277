// The strace mirror: a call and its answer as the line that strace(1) prints for them, byte for byte.
//
// A class can lay the real strace beside the narration, and a test does. The lines are those of strace with its default
// options: strings cut after 32 bytes, structures abbreviated, `=` at column 40.
#pragma once

#include <optional>
#include <string>

#include <libminibpf/kernel/encode.hpp>
#include <libminibpf/kernel/syscall.hpp>
#include <libminibpf/narrate/strace_version.hpp>

#pragma GCC visibility push(default)

namespace minibpf {

/// One call's line in the making. strace reads most arguments when the call is entered (a log buffer's old content,
/// say) and some when it returns (what read(2) read), so the line is made in two steps around the call.
class StraceLine {
public:
    /// Takes down what strace sees at entry. Borrows `call` until finish().
    StraceLine(const Syscall& call, AttrSize attr_size, StraceVersion version = StraceVersion::v6_1);

    StraceLine(Syscall&&, AttrSize, StraceVersion = StraceVersion::v6_1) = delete;

    /// The whole line, without a newline. To be called when the call has returned. What did not come from the kernel is
    /// marked at its end: `(INJECTED)`, `(DRY RUN)`.
    std::string finish(const Answer& answer) const;

    /// The call as far as it is known at entry: `bpf(BPF_MAP_CREATE, {map_type=BPF_MAP_TYPE_HASH, ...}, 72)`.
    const std::string& text() const noexcept { return entry_; }

private:
    const Syscall& call_;
    StraceVersion version_;
    std::string entry_;
};

/// Both steps at once, for a call that changed none of its arguments.
std::string strace_line(const Syscall& call, const Answer& answer, AttrSize attr_size,
                        StraceVersion version = StraceVersion::v6_1);

/// The right-hand side of the line: `= 3`, `= 0x7f2d5c3e1000`, `= -1 EPERM (Operation not permitted)`.
std::string result_text(const Syscall& call, const Answer& answer);

}  // namespace minibpf

#pragma GCC visibility pop
