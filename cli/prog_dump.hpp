// The instructions of a loaded program as text, as the verifier has left them.
#pragma once

#include <string>
#include <vector>

#include <linux/bpf.h>

#include <libminibpf/kernel/kernel_gate.hpp>

namespace cli {

/// A line for each instruction. Reads /proc/kallsyms for the names of helpers, if one is called.
std::vector<std::string> dump_lines(minibpf::KernelGate& gate, const std::vector<bpf_insn>& insns);

}  // namespace cli
