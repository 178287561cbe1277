// Whether the kernel runs the hooks of LSM programs.
#pragma once

#include <string>

#include <libminibpf/kernel/kernel_gate.hpp>

namespace minibpf {

/// Throws Error (Blame::facility) with the boot option when BPF's security module is not among those that run: then
/// the attachment would succeed, and nothing would ever run. Nothing is said where securityfs is not mounted.
void check_lsm_is_running(KernelGate& gate, const std::string& doing);

}  // namespace minibpf
