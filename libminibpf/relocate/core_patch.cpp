// Patching, with a check first: the instruction has to hold the number that its local type gives. If it does not,
// something has come between compiler and loader, and what it holds is not to be trusted.
#include <libminibpf/relocate/core_patch.hpp>

#include <fmt/format.h>

#include <libminibpf/base/error.hpp>
#include <libminibpf/insn/disassembler.hpp>

namespace minibpf::core {

namespace {

constexpr bpf_insn poison = {.code = BPF_JMP | BPF_CALL, .imm = core_poison};

std::uint64_t sign_extended(std::uint64_t number) noexcept {
    return static_cast<std::uint64_t>(std::int64_t{static_cast<std::int32_t>(number)});
}

class Patch {
public:
    Patch(std::span<bpf_insn> insns, const Resolution& resolution)
        : insns_(insns), insn_(insns.front()), resolution_(resolution) {
        change_.before = resolution.before.number;
        change_.after = resolution.after.number;
        if (slot_count(insn_) == 2) change_.slots = 2;
    }

    CoreChange apply() {
        if (change_.slots > insns_.size()) throw_malformed("the function ends in the middle of its ld_imm64");
        if (resolution_.miss != CoreMiss::nothing) {
            poison_insn(resolution_.miss, resolution_.missed_step);
            return change_;
        }
        switch (BPF_CLASS(insn_.code)) {
            case BPF_ALU:
            case BPF_ALU64: patch_immediate(); break;
            case BPF_LDX:
            case BPF_ST:
            case BPF_STX: patch_memory_access(); break;
            case BPF_LD: patch_wide_immediate(); break;
            default: throw_wrong_form();
        }
        return change_;
    }

private:
    void patch_immediate() {
        if (BPF_SRC(insn_.code) != BPF_K) throw_wrong_form();
        check(sign_extended(static_cast<std::uint32_t>(insn_.imm)));
        insn_.imm = static_cast<std::int32_t>(change_.after);
    }

    void patch_wide_immediate() {
        const bpf_insn& high = insns_[change_.slots - 1u];
        if (change_.slots != 2 || insn_.src_reg != 0 || insn_.off != 0 || high.code != 0 || high.dst_reg != 0 ||
            high.src_reg != 0 || high.off != 0) {
            throw_wrong_form();
        }
        check(std::uint64_t{static_cast<std::uint32_t>(high.imm)} << 32 | static_cast<std::uint32_t>(insn_.imm));
        insn_.imm = static_cast<std::int32_t>(change_.after);
        insns_[1].imm = static_cast<std::int32_t>(change_.after >> 32);
    }

    void patch_memory_access() {
        check(static_cast<std::uint64_t>(std::int64_t{insn_.off}));
        if (change_.after > INT16_MAX) {
            throw_malformed(
                fmt::format("{}: the kernel has the member at offset {}, and an instruction reaches {}", text(),
                            change_.after, INT16_MAX),
                "read it with bpf_core_read(): it adds the offset to the address, and an addition has room for any");
        }
        if (resolution_.cannot_resize) {
            note_sizes();
            poison_insn(CoreMiss::member_size, 0);
            return;
        }
        insn_.off = static_cast<std::int16_t>(change_.after);
        if (resolution_.before.bytes != resolution_.after.bytes) resize();
    }

    void resize() {
        note_sizes();
        constexpr std::uint8_t sizes[] = {BPF_B, BPF_H, BPF_W, BPF_DW};
        constexpr std::uint32_t bytes[] = {1, 2, 4, 8};
        const std::uint8_t* wanted = nullptr;
        for (std::size_t i = 0; i < std::size(sizes); ++i) {
            if (BPF_SIZE(insn_.code) == sizes[i] && bytes[i] != change_.bytes_before) {
                throw_malformed(fmt::format("{}: it accesses {} bytes, of a member that has {} in its local type",
                                            text(), bytes[i], change_.bytes_before));
            }
            if (bytes[i] == change_.bytes_after) wanted = &sizes[i];
        }
        if (wanted == nullptr) {
            throw_malformed(
                fmt::format("{}: the member has {} bytes in this kernel, and no instruction accesses so many", text(),
                            change_.bytes_after));
        }
        insn_.code = BPF_MODE(insn_.code) | *wanted | BPF_CLASS(insn_.code);
    }

    void note_sizes() noexcept {
        change_.bytes_before = resolution_.before.bytes;
        change_.bytes_after = resolution_.after.bytes;
    }

    void poison_insn(CoreMiss miss, std::uint8_t step) noexcept {
        change_.miss = miss;
        change_.missed_step = step;
        for (std::size_t slot = 0; slot < change_.slots; ++slot) insns_[slot] = poison;
    }

    // What an enumerator looked like to the compiler shows whether its enum is signed, where BTF leaves that open.
    // (libbpf takes all for signed, and refuses an unsigned one of 2^31 or more.)
    void check(std::uint64_t found) {
        const Value& before = resolution_.before;
        bool sign_extends = before.is_signed;
        if (before.is_sign_unknown && found == sign_extended(before.number)) {
            sign_extends = true;
            change_.before = found;
        }
        if (resolution_.after.is_sign_unknown && sign_extends) change_.after = sign_extended(change_.after);
        if (!before.is_checked) {
            change_.before = found;
        } else if (found != change_.before) {
            throw_malformed(fmt::format("{}: it holds {}, and by its local type it should hold {}", text(),
                                        static_cast<std::int64_t>(found), static_cast<std::int64_t>(change_.before)),
                            "was the object changed after it was compiled? compile it anew");
        }
    }

    [[noreturn]] void throw_wrong_form() const {
        throw_malformed(fmt::format("{}: it has no place for the number", text()));
    }

    std::string text() const { return fmt::format("'{}'", disassemble(insns_.first(change_.slots))); }

    std::span<bpf_insn> insns_;  // the instruction, and those behind it in its function
    bpf_insn& insn_;
    const Resolution& resolution_;
    CoreChange change_;
};

}  // namespace

CoreChange patch(std::span<bpf_insn> function, std::uint32_t index, const Resolution& resolution) {
    if (index >= function.size()) {
        throw_malformed(fmt::format("the function has only {} instructions", function.size()));
    }
    return Patch(function.subspan(index), resolution).apply();
}

}  // namespace minibpf::core
