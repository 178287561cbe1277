// Externs into instructions; see externs.hpp for the forms.
#include <libminibpf/relocate/externs.hpp>

namespace minibpf {

namespace {

void write_call(bpf_insn& insn, const ExternValue& value, std::size_t index) {
    if (!value.found) {
        insn = {.code = BPF_JMP | BPF_CALL, .imm = missing_kfunc_base + static_cast<std::int32_t>(index)};
        return;
    }
    insn.src_reg = BPF_PSEUDO_KFUNC_CALL;
    insn.off = static_cast<std::int16_t>(value.fd_index);
    insn.imm = static_cast<std::int32_t>(value.btf_id);
}

void write_ld_imm64(bpf_insn* insn, const ExternSpec& external, const ExternValue& value) {
    if (external.kind == ExternKind::ksym_address || !value.found) {
        insn[0].imm = static_cast<std::int32_t>(value.address);
        insn[1].imm = static_cast<std::int32_t>(value.address >> 32);
        return;
    }
    insn[0].src_reg = BPF_PSEUDO_BTF_ID;
    insn[0].imm = static_cast<std::int32_t>(value.btf_id);
    insn[1].imm = value.btf_fd;
}

template <class Visit>
void for_each_extern(const LinkedProgram& linked, const ObjectSpec& object, Visit&& visit) {
    for (const PlacedFunction& placed : linked.functions) {
        for (const InsnRelocation& relocation : object.functions[placed.function].relocations) {
            const auto* reference = std::get_if<ExternReference>(&relocation.target);
            if (reference != nullptr) visit(placed.insn_index + relocation.insn_index, reference->index);
        }
    }
}

}  // namespace

std::vector<bool> externs_used(const LinkedProgram& linked, const ObjectSpec& object) {
    std::vector<bool> used(object.externs.size());
    for_each_extern(linked, object, [&](std::uint32_t, std::size_t index) { used[index] = true; });
    return used;
}

void relocate_externs(LinkedProgram& linked, const ObjectSpec& object, std::span<const ExternValue> values) {
    for_each_extern(linked, object, [&](std::uint32_t insn_index, std::size_t index) {
        bpf_insn* insn = &linked.insns[insn_index];
        if (insn->code == (BPF_JMP | BPF_CALL)) {
            write_call(*insn, values[index], index);
        } else {
            write_ld_imm64(insn, object.externs[index], values[index]);
        }
    });
}

}  // namespace minibpf
