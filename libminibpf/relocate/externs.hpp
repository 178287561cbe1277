// Writing what the kernel answered about externs into the instructions.
//
// clang-format off
//     r1 = bpf_prog_active ll      src_reg BPF_PSEUDO_BTF_ID, imm the variable's BTF id, next imm the module's BTF fd
//     r1 = __per_cpu_start ll      the address, 64 bits in two slots
//     call bpf_rcu_read_lock       src_reg BPF_PSEUDO_KFUNC_CALL, imm the function's BTF id, off the place of the
//                                  module's BTF in fd_array; 0: vmlinux
// clang-format on
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <libminibpf/relocate/link.hpp>

namespace minibpf {

/// What the running kernel has under an extern's name.
struct ExternValue {
    bool found = false;          ///< false: a weak one that is missing
    std::uint64_t address = 0;   ///< ksym_address
    std::uint32_t btf_id = 0;    ///< ksym_variable, kfunc
    int btf_fd = 0;              ///< of the module that has it; 0: vmlinux
    std::uint16_t fd_index = 0;  ///< of that descriptor in BPF_PROG_LOAD's fd_array; 0: vmlinux
};

/// Which externs the program refers to, itself or in a subprogram: one flag for each of ObjectSpec::externs.
std::vector<bool> externs_used(const LinkedProgram& linked, const ObjectSpec& object);

/// `values` is indexed like ObjectSpec::externs. A call of a weak kfunc that is missing becomes one that the verifier
/// refuses if it is ever reached: `call unknown#2002000000` plus the extern's index, as libbpf writes it.
void relocate_externs(LinkedProgram& linked, const ObjectSpec& object, std::span<const ExternValue> values);

/// The first number of those calls.
constexpr std::int32_t missing_kfunc_base = 2002000000;

}  // namespace minibpf
