// The one door to the kernel.
//
// Everything that makes minibpf special (the strace mirror, the explanations, stepping, the dry run, fault injection)
// is a decorator on this one virtual function: a gate that holds the next gate. Nothing that uses a gate asks whether
// it is being watched. LiveGate (live_gate.hpp) is the innermost one and the only place with syscall().
#pragma once

#include <concepts>
#include <string>
#include <type_traits>

#include <libminibpf/kernel/syscall.hpp>

#pragma GCC visibility push(default)

namespace minibpf {

/// Why a call is made, for whoever narrates it: "`config` is created because hello refers to it in instruction 12".
///
/// Borrows a literal or a lambda that returns the text; the text is only put together when a narrator asks, so a call
/// that nobody watches pays nothing for its reason. Valid while the gate is being entered.
class Reason {
public:
    Reason() = default;
    /// A literal.
    Reason(const char* text)
        : tell_([](const void* literal) { return std::string(static_cast<const char*>(literal)); }), what_(text) {}

    /// A lambda that returns the text.
    template <class F>
    requires std::is_invocable_r_v<std::string, const F&> Reason(const F& tell)
        : tell_([](const void* lambda) -> std::string { return (*static_cast<const F*>(lambda))(); }), what_(&tell) {}

    /// The reason as one sentence without its full stop; empty when none was given.
    std::string text() const { return tell_ == nullptr ? std::string() : tell_(what_); }

private:
    std::string (*tell_)(const void*) = nullptr;
    const void* what_ = nullptr;
};

/// What answers system calls: the kernel itself (LiveGate), or a decorator that holds the next gate.
class KernelGate {
public:
    virtual ~KernelGate() = default;

    /// Makes the call and returns the kernel's answer. noexcept, because destructors close through it.
    virtual Answer enter(const Syscall& call, const Reason& reason) noexcept = 0;

    /// The same without a reason.
    Answer enter(const Syscall& call) noexcept { return enter(call, Reason()); }
};

}  // namespace minibpf

#pragma GCC visibility pop
