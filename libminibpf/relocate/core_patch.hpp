// Writing a number into an instruction. Where it goes, the instruction's class says:
//
//     ALU, ALU64      r1 += 16                  the immediate
//     LDX, ST, STX    r1 = *(u32 *)(r6 +16)     the offset, and the size if the member has another one in the kernel
//     LD              r1 = 0x10 ll              the two halves of a ld_imm64
//
// Internal to relocate/.
#pragma once

#include <span>

#include <libminibpf/relocate/core.hpp>
#include <libminibpf/relocate/core_resolve.hpp>

namespace minibpf::core {

/// Rewrites instruction `index` of a function's instructions. Of the answer, insn_index, function and relocation are
/// the caller's to fill in. Throws Error when the instruction is not one that the relocation could be about.
CoreChange patch(std::span<bpf_insn> function, std::uint32_t index, const Resolution& resolution);

}  // namespace minibpf::core
