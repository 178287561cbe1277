// From functions as they were compiled to the one run of instructions that BPF_PROG_LOAD takes.
//
//     SEC("raw_tp/sys_enter") hello_func      .text
//     +----------------------------+          +------------+
//     | ... call get_opcode  imm=? |          | get_opcode |
//     | r1 = .rodata ll      imm=? |          +------------+
//     +----------------------------+
//                    \                         /
//     program:  | hello_func ... call +9, r1 = map[fd 4][0]+12 ll | get_opcode |
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <libminibpf/object/object_spec.hpp>

namespace minibpf {

/// Where a function came to lie in its program.
struct PlacedFunction {
    std::size_t function = 0;      ///< index in ObjectSpec::functions
    std::uint32_t insn_index = 0;  ///< of its first instruction in the program
};

/// A program's final instructions, with the BTF records that describe them.
struct LinkedProgram {
    std::vector<bpf_insn> insns;
    std::vector<PlacedFunction> functions;  ///< the entry first, then subprograms in the order of their first call
    std::uint32_t func_info_rec_size = 0;   ///< 0: no func_info
    Bytes func_info;
    std::uint32_t line_info_rec_size = 0;
    Bytes line_info;
};

/// Puts a program together: its entry function, then every subprogram that it reaches, each once, with calls and
/// callback addresses pointing at them. References to maps are left as they are, for the maps need not exist yet.
/// Throws Error (Blame::object) when the program has more than 256 functions (the kernel's BPF_MAX_SUBPROGS).
LinkedProgram link_functions(const ObjectSpec& object, const ProgramSpec& program);

/// Fills the fds of maps into the program's ld_imm64 instructions; `map_fds` is indexed like ObjectSpec::maps.
void relocate_maps(LinkedProgram& linked, const ObjectSpec& object, std::span<const int> map_fds);

/// A chain of calls in the program that comes back to where it began: "ping", "pong", "ping". Empty when there is none.
/// The verifier refuses such a program, and says no more than that its calls are nested too deeply.
std::vector<std::string> find_recursion(const ObjectSpec& object, const ProgramSpec& program);

/// The maps that a load creates whether programs refer to them or not: one flag for each of ObjectSpec::maps. Optional
/// ones and data sections are not among them.
std::vector<bool> defined_maps(const ObjectSpec& object);

/// Marks the maps that the program refers to, itself or in a subprogram: `used` has a flag for each of
/// ObjectSpec::maps. A data section that no program refers to (string literals that clang has put into instructions,
/// variables that only carry a type into the BTF) is not worth creating.
void note_maps_used(const LinkedProgram& linked, const ObjectSpec& object, std::vector<bool>& used);

}  // namespace minibpf
