// Fault injection: a whole gate decorator in one function.
//
// A test makes call 0 fail, then call 1, and so on until the work under test succeeds, and each time looks whether
// anything stayed open. Clean-up never fails, as it never does in the kernel: close(2) releases the descriptor whatever
// it answers.
#pragma once

#include <libminibpf/kernel/kernel_gate.hpp>

#pragma GCC visibility push(default)

namespace minibpf {

/// Answers `error` to the `nth` call (from 0) that is no clean-up, and passes on all others.
class FailingGate final : public KernelGate {
public:
    /// `next` outlives this.
    FailingGate(KernelGate& next, int nth, int error) noexcept : next_(next), nth_(nth), error_(error) {}

    using KernelGate::enter;
    Answer enter(const Syscall& call, const Reason& reason) noexcept override {
        if (!is_cleanup(call) && calls_++ == nth_) return {.value = -1, .error = error_, .origin = Origin::injected};
        return next_.enter(call, reason);
    }

    /// How many calls that are no clean-up were seen.
    int calls() const noexcept { return calls_; }
    /// Whether the call that was to fail has been made.
    bool has_failed() const noexcept { return calls_ > nth_; }

private:
    KernelGate& next_;
    int nth_;
    int error_;
    int calls_ = 0;
};

}  // namespace minibpf

#pragma GCC visibility pop
