// Programs that are tied to a kernel function when they are loaded: tp_btf, fentry, fexit, fmod_ret, LSM, iterators and
// freplace. BPF_PROG_LOAD takes the function as a type of the kernel's BTF (attach_btf_id), since Linux 5.5.
#pragma once

#include <cstdint>

#include <libminibpf/load/kernel_types.hpp>

namespace minibpf {

struct AttachTarget {
    std::uint32_t btf_id = 0;  ///< 0: the program type has no target
    int fd = 0;                ///< attach_prog_fd, or a module's BTF as attach_btf_obj_fd; 0: vmlinux
};

/// Whether programs of this type have such a target.
bool has_attach_target(const ProgramKind& kind) noexcept;

/// Announces to `types` what find_attach_target() will look for.
void expect_attach_target(KernelTypes& types, const ProgramSpec& program);

/// Finds what the program's section names, in the kernel or a module ("fentry/bridge:br_forward").
/// Throws Error: no target is named (Blame::object); the kernel has none of that name.
AttachTarget find_attach_target(KernelTypes& types, const ProgramSpec& program);

/// The same in a program that is loaded already (freplace; fentry and fexit of a BPF program): `function` is one of its
/// functions, empty: its entry.
AttachTarget find_attach_target(KernelGate& gate, int prog_fd, const ProgramSpec& program);

}  // namespace minibpf
