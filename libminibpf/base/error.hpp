// The one exception of minibpf, and what it carries.
//
// Below the kernel gate nothing throws: what the kernel said is an Answer, a value. Above it, whoever knows the name of
// the thing that failed throws an Error, each stage that adds knowledge extends `doing` and rethrows, and `main`
// catches once and prints all five parts.
#pragma once

#include <exception>
#include <stdexcept>
#include <string>
#include <utility>

#pragma GCC visibility push(default)

namespace minibpf {

/// Who has to act. The `loader` command exits with this value.
enum class Blame {
    kernel = 1,    ///< the kernel refused: the verifier, a limit, a conflict
    usage = 2,     ///< the caller asked in the wrong way
    object = 3,    ///< the object is malformed, or asks for something that does not exist
    facility = 4,  ///< privilege, a mount or a kernel facility is missing
};

/// What an Error knows: five parts, each empty or zero where there is nothing to say, and who has to act.
struct ErrorDetail {
    std::string doing;            ///< "loading program 'hello' (SEC kprobe/do_unlinkat)"
    std::string call;             ///< "bpf(BPF_PROG_LOAD)", empty when no system call failed
    int code = 0;                 ///< errno, kept as a number: tests and callers match on it
    std::string kernel_log;       ///< the verifier's or BTF's log, verbatim and complete
    std::string hint;             ///< the next thing to try
    Blame blame = Blame::object;  ///< whose turn it is, and the exit status
};

/// The one exception of the library. what() is one line of `doing`, the call and the errno's name; the rest is in
/// detail().
class Error : public std::runtime_error {
public:
    explicit Error(ErrorDetail detail);  ///< what() is made of it

    const ErrorDetail& detail() const noexcept { return detail_; }  ///< all that is known

    /// The same error with `outer` put before what was being done: "outer: doing".
    Error within(const std::string& outer) const;
    Error with_hint(std::string hint) const;  ///< the same error with another hint
    Error with_blame(Blame blame) const;      ///< the same error with another one to act

private:
    ErrorDetail detail_;
};

/// "EPERM (Operation not permitted)", as strace spells it; "errno 4095" for a number that has no name.
std::string errno_text(int code);

/// "EPERM"; "errno 4095" for a number that has no name.
std::string errno_name(int code);

/// Throws the Error of an object that is malformed or asks for what does not exist (exit status 3).
[[noreturn]] void throw_malformed(std::string doing, std::string hint = {});

/// Throws the Error of a caller that asked in the wrong way (exit status 2).
[[noreturn]] void throw_usage(std::string doing, std::string hint = {});

}  // namespace minibpf

#pragma GCC visibility pop
