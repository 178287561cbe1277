// What BPF_OBJ_GET_INFO_BY_FD gives as a program's instructions differs from what was loaded in how it refers to
// things: to a map by its id in the place of a descriptor, to a helper by its distance from __bpf_call_base, to a
// subprogram by `off`.
#include "prog_dump.hpp"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include <fcntl.h>
#include <fmt/format.h>

#include <libminibpf/events/stack_symbols.hpp>
#include <libminibpf/insn/disassembler.hpp>
#include <libminibpf/kernel/files.hpp>

namespace cli {

using namespace minibpf;

namespace {

bool is_call(const bpf_insn& insn) {
    return insn.code == (BPF_JMP | BPF_CALL);
}

bool is_helper_call(const bpf_insn& insn) {
    return is_call(insn) && insn.src_reg == 0 && insn.imm != BPF_FUNC_tail_call;
}

/// The names of helpers, by /proc/kallsyms.
class Helpers {
public:
    explicit Helpers(KernelGate& gate) {
        const Answer opened =
            gate.enter(OpenAt{.path = "/proc/kallsyms", .flags = O_RDONLY}, "the names of the helpers that are called");
        if (!opened.ok()) return;
        const Fd fd(gate, opened.fd());
        std::string text;
        for_each_piece(gate, fd.get(), "/proc/kallsyms", [&](std::string_view piece) { text += piece; });
        const std::size_t symbol = text.find(" __bpf_call_base\n");
        if (symbol == std::string::npos) return;
        const std::size_t line = text.rfind('\n', symbol) + 1;  // npos + 1 is the beginning
        base_ = std::strtoull(text.c_str() + line, nullptr, 16);
        if (base_ != 0) functions_ = FunctionTable(parse_kallsyms(text));
    }

    std::string call_text(const bpf_insn& insn) const {
        const std::string name =
            base_ == 0 ? "" : functions_.name_at(base_ + static_cast<std::uint64_t>(std::int64_t(insn.imm)));
        return name.empty() ? fmt::format("call __bpf_call_base{:+d}", insn.imm) : "call " + name;
    }

private:
    std::uint64_t base_ = 0;
    FunctionTable functions_;
};

std::string with_map_ids(std::string text) {
    const std::string_view fd = "map[fd:";
    if (const std::size_t at = text.find(fd); at != std::string::npos) text.replace(at, fd.size(), "map[id:");
    return text;
}

std::string insn_text(const std::vector<bpf_insn>& insns, std::size_t index, const std::optional<Helpers>& helpers) {
    const bpf_insn& insn = insns[index];
    if (is_helper_call(insn)) return helpers->call_text(insn);
    // The number of the subprogram is in `imm`, its distance in `off`, once the kernel has compiled each by itself.
    if (is_call(insn) && insn.src_reg == BPF_PSEUDO_CALL)
        return fmt::format("call pc{:+d}", insn.off != 0 ? int(insn.off) : insn.imm);
    const std::size_t slots = std::min(slot_count(insn), insns.size() - index);
    return with_map_ids(disassemble(std::span(insns).subspan(index, slots)));
}

}  // namespace

std::vector<std::string> dump_lines(KernelGate& gate, const std::vector<bpf_insn>& insns) {
    std::optional<Helpers> helpers;
    if (std::any_of(insns.begin(), insns.end(), is_helper_call)) helpers.emplace(gate);
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < insns.size(); i += slot_count(insns[i]))
        lines.push_back(fmt::format("{:5}: {}", i, insn_text(insns, i, helpers)));
    return lines;
}

}  // namespace cli
