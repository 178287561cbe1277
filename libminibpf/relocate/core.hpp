// CO-RE: compile once, run everywhere. The compiler notes of each access to a kernel type which member it means; here
// the notes are read against the types of the kernel that is to run the program, and the numbers in the instructions
// are written anew.
//
//     local type (in the object)           target type (in the kernel)
//     struct task_struct { int pid; }      struct task_struct { ...; pid_t pid; ... }   pid at byte 1256
//                  |                                                     |
//     relocation: insn 4, "0:0", field_byte_offset                       |
//     insn 4:  r1 = *(u32 *)(r6 + 0)     becomes      r1 = *(u32 *)(r6 + 1256)
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <libminibpf/object/object_spec.hpp>
#include <libminibpf/relocate/link.hpp>

namespace minibpf {

/// A type of the kernel that a local type may stand for.
struct CoreCandidate {
    const btf::Btf* btf = nullptr;  ///< vmlinux's or a module's; outlives the relocation
    btf::TypeId type = 0;
};

/// Where the kernel's types come from. The loader opens the kernel's BTF only when it is first asked; a test answers
/// from BTF of its own.
class CoreTargets {
public:
    virtual ~CoreTargets() = default;

    /// Every type of any kind whose essential name (without `___flavour`) is `name`, in vmlinux; if there is none of
    /// `kind` there, in the modules.
    virtual std::vector<CoreCandidate> candidates(std::string_view name, btf::Kind kind) = 0;
};

/// Applies the CO-RE relocations of the program's functions to its linked instructions. What was found for a type and an
/// access is remembered in the relocator, for programs of one object ask for the same again and again.
class CoreRelocator;

}  // namespace minibpf
