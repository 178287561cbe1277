// Asking the running kernel for what an object declares extern: options, addresses, variables and functions.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <libminibpf/load/kernel_types.hpp>
#include <libminibpf/relocate/externs.hpp>

namespace minibpf {

/// What the kernel has of a program's externs, with the descriptors that BPF_PROG_LOAD needs for functions of modules.
struct ExternValues {
    std::vector<ExternValue> values;  ///< like ObjectSpec::externs
    std::vector<int> fd_array;        ///< [0] is unused; empty when no module is concerned. Owned by KernelTypes
};

/// A kernel symbol's address, and whether there are several of that name at different ones.
struct KernelAddress {
    std::uint64_t value = 0;
    bool is_ambiguous = false;
};
using KernelAddresses = std::map<std::string, std::optional<KernelAddress>, std::less<>>;

/// Finds the externs of an object, for one program after the other. What it was given must outlive it.
class ExternFinder {
public:
    ExternFinder(KernelGate& gate, KernelTypes& types, const ObjectSpec& object);

    /// Gives the modules whose functions are among the externs in `used` their numbers in fd_array. Asked once, for
    /// what all programs use: a module has the same number in each.
    void number_modules(const std::vector<bool>& used);

    /// `used`: one flag for each of ObjectSpec::externs, .kconfig's aside.
    /// Reads /proc/kallsyms for addresses, once and for all of the object's, and the kernel's BTF for variables and
    /// functions, each only when it is needed.
    /// Throws Error naming an extern that the kernel lacks and that is not weak.
    ExternValues find(const std::vector<bool>& used);

private:
    const KernelAddresses& addresses();
    void find_typed(const ExternSpec& external, ExternValue& value);
    std::string type_fault(const ExternSpec& external, const KernelType& found) const;

    KernelGate& gate_;
    KernelTypes& types_;
    const ObjectSpec& object_;
    KernelAddresses addresses_;
    bool has_addresses_ = false;  ///< false: hidden from this process
    std::vector<int> module_fds_;
};

/// The contents of the map .kconfig: the values of the options, from /proc/config.gz or /boot/config-RELEASE, and of
/// LINUX_KERNEL_VERSION, LINUX_HAS_BPF_COOKIE and LINUX_HAS_SYSCALL_WRAPPER. Throws Error naming an option that is not
/// set and not weak.
Bytes kconfig_contents(KernelGate& gate, KernelTypes& types, const ObjectSpec& object);

}  // namespace minibpf
