// Asking the running kernel for what an object declares extern: options, addresses, variables and functions.
#pragma once

#include <vector>

#include <libminibpf/load/kernel_types.hpp>
#include <libminibpf/relocate/externs.hpp>

namespace minibpf {

/// What the kernel has of the externs in `used` (one flag for each of ObjectSpec::externs, .kconfig's aside), with the
/// descriptors that BPF_PROG_LOAD needs for functions of modules.
struct ExternValues {
    std::vector<ExternValue> values;  ///< like ObjectSpec::externs
    std::vector<int> fd_array;        ///< [0] is unused; empty when no module is concerned. Owned by KernelTypes
};

/// Reads /proc/kallsyms for addresses, the kernel's BTF for variables and functions, each only when it is needed.
/// Throws Error naming an extern that the kernel lacks and that is not weak.
ExternValues find_externs(KernelGate& gate, KernelTypes& types, const ObjectSpec& object,
                          const std::vector<bool>& used);

/// The contents of the map .kconfig: the values of the options, from /proc/config.gz or /boot/config-RELEASE, and of
/// LINUX_KERNEL_VERSION, LINUX_HAS_BPF_COOKIE and LINUX_HAS_SYSCALL_WRAPPER. Throws Error naming an option that is not
/// set and not weak.
Bytes kconfig_contents(KernelGate& gate, KernelTypes& types, const ObjectSpec& object);

}  // namespace minibpf
