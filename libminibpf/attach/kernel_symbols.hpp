// Why a function of the kernel cannot be attached to, as far as its symbols tell.
#pragma once

#include <string>

#include <libminibpf/kernel/kernel_gate.hpp>

namespace minibpf {

/// What to try where the kernel has no function `name` that can be traced: the name under which the compiler kept it
/// (tcp_v4_rcv.isra.0), the nearest names, or why it is out of reach although it is there.
std::string missing_function_hint(KernelGate& gate, const std::string& name);

/// What to do about EPERM: "" unless the kernel is locked down.
std::string lockdown_hint(KernelGate& gate);

}  // namespace minibpf
