// Asking the running kernel for what an object declares extern: options, addresses, variables and functions.
#pragma once

#include <vector>

#include <libminibpf/load/kernel_types.hpp>
#include <libminibpf/relocate/externs.hpp>

namespace minibpf {

/// The BTF of the modules whose functions are among the externs in `used` (one flag for each of ObjectSpec::externs),
/// as BPF_PROG_LOAD's fd_array: [0] is unused; empty when no module is concerned. The descriptors are owned by `types`.
/// All programs of an object share it, so that a module has the same number in each.
std::vector<int> find_modules(KernelGate& gate, KernelTypes& types, const ObjectSpec& object,
                              const std::vector<bool>& used);

/// What the kernel has of the externs in `used`, .kconfig's aside: one value for each of ObjectSpec::externs.
///
/// Reads /proc/kallsyms for addresses, the kernel's BTF for variables and functions, each only when it is needed.
/// Throws Error naming an extern that the kernel lacks and that is not weak.
std::vector<ExternValue> find_externs(KernelGate& gate, KernelTypes& types, const ObjectSpec& object,
                                      const std::vector<bool>& used, const std::vector<int>& module_fds);

/// The contents of the map .kconfig: the values of the options, from /proc/config.gz or /boot/config-RELEASE, and of
/// LINUX_KERNEL_VERSION, LINUX_HAS_BPF_COOKIE and LINUX_HAS_SYSCALL_WRAPPER. Throws Error naming an option that is not
/// set and not weak.
Bytes kconfig_contents(KernelGate& gate, KernelTypes& types, const ObjectSpec& object);

}  // namespace minibpf
