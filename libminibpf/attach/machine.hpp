// What this kernel, its settings and the privileges of this process give to programs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <libminibpf/kernel/kernel_gate.hpp>

#pragma GCC visibility push(default)

namespace minibpf {

/// One thing that programs need, and whether it is there.
struct Finding {
    /// How it is with the thing.
    enum class State {
        present,
        missing,
        unknown,  ///< it cannot be seen, by this process or without a mount
        setting,  ///< neither good nor bad
    };
    std::string what;  ///< "kernel BTF"
    State state = State::setting;
    std::string value;    ///< "/sys/kernel/btf/vmlinux"
    std::string purpose;  ///< "CO-RE, fentry, tp_btf, kfuncs"
    std::string remedy;   ///< what to do about it; empty when there is nothing to be done
};

/// Looks at files of /proc and /sys, and tries what only trying tells: whether fentry works is seen by attaching a
/// program of two instructions, for a moment, to a function that the kernel has for such tests. Never throws: what
/// cannot be seen is a finding too.
std::vector<Finding> examine_machine(KernelGate& gate);

/// Where a file system of that type is mounted first, from the text of /proc/self/mounts; empty when it is not.
std::string mount_point(std::string_view mounts, std::string_view filesystem);

/// Whether "bpf" is in "lockdown,capability,bpf", the text of /sys/kernel/security/lsm.
bool names_bpf_lsm(std::string_view lsm);

}  // namespace minibpf

#pragma GCC visibility pop
