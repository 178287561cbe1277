// Why a function of the kernel cannot be attached to, as far as its symbols tell.
#pragma once

#include <string>
#include <string_view>

#include <libminibpf/kernel/kernel_gate.hpp>

namespace minibpf {

/// What to try where the kernel has no function `name` that can be traced: the name under which the compiler kept it
/// (tcp_v4_rcv.isra.0), the nearest names, or why it is out of reach although it is there.
std::string missing_function_hint(KernelGate& gate, const std::string& name);

/// The same where the kernel's BTF has no function `name`, which is all that fentry, fexit and fmod_ret can be attached
/// to: with a kprobe where that would do. Empty when the symbols tell nothing.
std::string missing_btf_function_hint(KernelGate& gate, std::string_view name);

/// What to do about EPERM: "" unless the kernel is locked down.
std::string lockdown_hint(KernelGate& gate);

}  // namespace minibpf
