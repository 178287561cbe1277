// BPF instructions as text, in the kernel's own notation: what the verifier's log and `bpftool prog dump xlated` print.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <linux/bpf.h>

#pragma GCC visibility push(default)

namespace minibpf {

/// One instruction: `r1 = *(u64 *)(r10 -8)`, `call bpf_trace_printk#6`, `if r0 == 0x0 goto pc+3`, `exit`.
/// A ld_imm64 takes two slots: pass both in `insns`, and the text covers the pair (`r1 = 0x1122334455667788`,
/// `r1 = map[fd:4]`, `r1 = map[fd:5][0]+12`, `r1 = subprog[+9]`). An unknown opcode is `(raw 0x..)`, never an error.
std::string disassemble(std::span<const bpf_insn> insns);

/// 2 for ld_imm64, else 1.
inline std::size_t slot_count(const bpf_insn& insn) noexcept {
    return insn.code == (BPF_LD | BPF_IMM | BPF_DW) ? 2 : 1;
}

/// "bpf_trace_printk" for 6 (include/uapi/linux/bpf.h, ___BPF_FUNC_MAPPER); nothing for a number without a name.
std::optional<std::string_view> helper_name(int number) noexcept;

}  // namespace minibpf

#pragma GCC visibility pop
