// CO-RE without a kernel: the kernel's types come from BTF that a test has, and an object of one instruction asks.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <libminibpf/relocate/core.hpp>

namespace minibpf::test {

/// The types of one BTF, or of several modules', as those of the kernel.
class BtfTargets final : public CoreTargets {
public:
    explicit BtfTargets(std::vector<const btf::Btf*> all) : all_(std::move(all)) {}

    std::vector<CoreCandidate> candidates(std::string_view name, btf::Kind kind) override {
        ++questions;
        std::vector<CoreCandidate> found;
        for (const btf::Btf* btf : all_) {
            for (const btf::TypeId id : btf->find_essential(kind, name)) found.push_back({.btf = btf, .type = id});
        }
        return found;
    }

    int questions = 0;  ///< how often it was asked

private:
    std::vector<const btf::Btf*> all_;
};

constexpr bpf_insn mov(std::int32_t imm) {
    return {.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = imm};
}
constexpr bpf_insn load(std::uint8_t size, std::int16_t off) {
    return {.code = static_cast<std::uint8_t>(BPF_LDX | BPF_MEM | size), .src_reg = 1, .off = off};
}
constexpr bpf_insn store(std::uint8_t size, std::int16_t off) {
    return {.code = static_cast<std::uint8_t>(BPF_ST | BPF_MEM | size), .dst_reg = 1, .off = off, .imm = 5};
}
constexpr std::pair<bpf_insn, bpf_insn> wide(std::uint64_t number) {
    return {{.code = BPF_LD | BPF_IMM | BPF_DW, .imm = static_cast<std::int32_t>(number)},
            {.imm = static_cast<std::int32_t>(number >> 32)}};
}
constexpr bpf_insn poison = {.code = BPF_JMP | BPF_CALL, .imm = 195896080};

/// An object with one program of these instructions.
inline ObjectSpec object_of(btf::Btf btf, std::vector<bpf_insn> insns, std::vector<CoreRelocation> relocations) {
    ObjectSpec object;
    object.btf = std::move(btf);
    FunctionSpec function;
    function.name = "main";
    function.insns = std::move(insns);
    function.core_relocations = std::move(relocations);
    object.functions.push_back(std::move(function));
    object.programs.push_back({.name = "main", .function = 0});
    return object;
}

/// A program of an object after its relocation to the types of `kernel`.
struct Relocated {
    LinkedProgram linked;
    std::vector<CoreChange> changes;
};

inline Relocated relocate(const ObjectSpec& object, CoreTargets& targets, std::size_t program = 0) {
    Relocated result{.linked = link_functions(object, object.programs.at(program))};
    result.changes = CoreRelocator(object, targets).relocate(result.linked);
    return result;
}

inline Relocated relocate(const ObjectSpec& object, const btf::Btf& kernel) {
    BtfTargets targets({&kernel});
    return relocate(object, targets);
}

}  // namespace minibpf::test
