// One BPF instruction as text, the way the kernel writes it (kernel/bpf/disasm.c): in the verifier's log, and in
// `bpftool prog dump xlated`. In goes the instruction (two slots for a ld_imm64), out comes a line without the opcode
// number that the kernel puts before it: for "(b7) r1 = 0" it is "r1 = 0".
//
//      7      4 3   2      0
//     +--------+---+--------+
//     |   op   | s | class  |   ALU, ALU64, JMP, JMP32: s is BPF_K (an immediate) or BPF_X (a register)
//     +--------+---+--------+
//     +------+------+-------+
//     | mode | size | class |   LD, LDX, ST, STX
//     +------+------+-------+
#include <libminibpf/insn/disassembler.hpp>

#include <array>
#include <cstdint>

#include <fmt/format.h>

namespace minibpf {

namespace {

// Newer than the oldest <linux/bpf.h> that minibpf is built with.
constexpr std::uint8_t mode_memsx = 0x80;          // BPF_MEMSX, sign-extending load (Linux 6.6)
constexpr std::uint8_t op_jcond = 0xe0;            // BPF_JCOND (6.10)
constexpr std::uint8_t may_goto = 0;               // BPF_MAY_GOTO, src_reg of a BPF_JCOND
constexpr std::int16_t off_addr_space_cast = 1;    // BPF_ADDR_SPACE_CAST, off of a mov between arena and kernel (6.9)
constexpr std::int16_t off_addr_percpu = -1;       // BPF_ADDR_PERCPU: the verifier's own, seen in xlated dumps (6.10)
constexpr std::int32_t imm_load_acquire = 0x100;   // BPF_LOAD_ACQ (6.15)
constexpr std::int32_t imm_store_release = 0x110;  // BPF_STORE_REL (6.15)

constexpr std::array<std::string_view, 16> alu_operators = {
    "+=", "-=", "*=", "/=", "|=", "&=", "<<=", ">>=", "", "%=", "^=", "=", "s>>=", "", "", ""};
constexpr std::array<std::string_view, 16> jump_operators = {
    "", "==", ">", ">=", "&", "!=", "s>", "s>=", "", "", "<", "<=", "s<", "s<=", "", ""};
constexpr std::array<std::string_view, 4> unsigned_sizes = {"u32", "u16", "u8", "u64"};
constexpr std::array<std::string_view, 4> signed_sizes = {"s32", "s16", "s8", "s64"};

std::size_t operation_index(const bpf_insn& insn) noexcept {
    return BPF_OP(insn.code) >> 4;
}

std::string_view access_size(const bpf_insn& insn) noexcept {
    return unsigned_sizes[BPF_SIZE(insn.code) >> 3];
}

std::string raw(const bpf_insn& insn) {
    return fmt::format("(raw 0x{:02x})", insn.code);
}

// "*(u64 *)(r10 -8)"
std::string memory(std::string_view size, int reg, int off) {
    return fmt::format("*({} *)(r{} {:+d})", size, reg, off);
}

// "(u64 *)(r10 -8)", as the atomic operations write their address.
std::string address(const bpf_insn& insn) {
    return fmt::format("({} *)(r{} {:+d})", access_size(insn), static_cast<int>(insn.dst_reg), insn.off);
}

std::string byte_order(const bpf_insn& insn) {
    const int reg = insn.dst_reg;
    if (BPF_CLASS(insn.code) == BPF_ALU64) return fmt::format("r{} = bswap{} r{}", reg, insn.imm, reg);
    return fmt::format("r{} = {}{} r{}", reg, BPF_SRC(insn.code) == BPF_TO_BE ? "be" : "le", insn.imm, reg);
}

// Division and remainder are signed when `off` is 1 (cpu v4, Linux 6.6).
std::string_view alu_operator(const bpf_insn& insn) noexcept {
    const bool is_signed = insn.off == 1;
    if (is_signed && BPF_OP(insn.code) == BPF_DIV) return "s/=";
    if (is_signed && BPF_OP(insn.code) == BPF_MOD) return "s%=";
    return alu_operators[operation_index(insn)];
}

// A mov whose `off` is a number of bits extends the sign of that many (cpu v4, Linux 6.6).
std::string_view sign_extension(const bpf_insn& insn) noexcept {
    if (BPF_OP(insn.code) != BPF_MOV) return "";
    switch (insn.off) {
        case 8: return "(s8)";
        case 16: return "(s16)";
        case 32: return "(s32)";
        default: return "";
    }
}

std::string alu(const bpf_insn& insn) {
    const char reg = BPF_CLASS(insn.code) == BPF_ALU ? 'w' : 'r';  // wN: the lower half, the upper one becomes zero
    const int dst = insn.dst_reg;
    const int src = insn.src_reg;
    if (BPF_OP(insn.code) == BPF_END) return byte_order(insn);
    if (BPF_OP(insn.code) == BPF_NEG) return fmt::format("{}{} = -{}{}", reg, dst, reg, dst);
    if (insn.code == (BPF_ALU64 | BPF_MOV | BPF_X) && insn.off == off_addr_space_cast) {
        const auto spaces = static_cast<std::uint32_t>(insn.imm);
        return fmt::format("r{} = addr_space_cast(r{}, {}, {})", dst, src, spaces >> 16, spaces & 0xffff);
    }
    if (insn.code == (BPF_ALU64 | BPF_MOV | BPF_X) && insn.off == off_addr_percpu) {
        return fmt::format("r{} = &(void __percpu *)(r{})", dst, src);
    }
    const std::string_view op = alu_operator(insn);
    if (op.empty()) return raw(insn);
    if (BPF_SRC(insn.code) == BPF_K) return fmt::format("{}{} {} {}", reg, dst, op, insn.imm);
    return fmt::format("{}{} {} {}{}{}", reg, dst, op, sign_extension(insn), reg, src);
}

std::string_view atomic_function(std::int32_t operation) noexcept {
    switch (operation) {
        case BPF_ADD: return "add";
        case BPF_AND: return "and";
        case BPF_OR: return "or";
        case BPF_XOR: return "xor";
        default: return "";
    }
}

std::string atomic(const bpf_insn& insn) {
    const int src = insn.src_reg;
    const std::string_view width = BPF_SIZE(insn.code) == BPF_DW ? "64" : "";
    switch (insn.imm) {
        case BPF_ADD:
        case BPF_AND:
        case BPF_OR:
        case BPF_XOR:
            return fmt::format("lock *{} {} r{}", address(insn), alu_operators[static_cast<std::size_t>(insn.imm) >> 4],
                               src);
        case BPF_ADD | BPF_FETCH:
        case BPF_AND | BPF_FETCH:
        case BPF_OR | BPF_FETCH:
        case BPF_XOR | BPF_FETCH:
            return fmt::format("r{} = atomic{}_fetch_{}({}, r{})", src, width, atomic_function(insn.imm & ~BPF_FETCH),
                               address(insn), src);
        case BPF_CMPXCHG: return fmt::format("r0 = atomic{}_cmpxchg({}, r0, r{})", width, address(insn), src);
        case BPF_XCHG: return fmt::format("r{} = atomic{}_xchg({}, r{})", src, width, address(insn), src);
        case imm_load_acquire:
            return fmt::format("r{} = load_acquire(({} *)(r{} {:+d}))", static_cast<int>(insn.dst_reg),
                               access_size(insn), src, insn.off);
        case imm_store_release: return fmt::format("store_release({}, r{})", address(insn), src);
        default: return raw(insn);
    }
}

std::string store(const bpf_insn& insn) {
    const bool from_register = BPF_CLASS(insn.code) == BPF_STX;
    if (from_register && BPF_MODE(insn.code) == BPF_ATOMIC) return atomic(insn);
    if (BPF_MODE(insn.code) != BPF_MEM) return raw(insn);
    const std::string place = memory(access_size(insn), insn.dst_reg, insn.off);
    if (from_register) return fmt::format("{} = r{}", place, static_cast<int>(insn.src_reg));
    return fmt::format("{} = {}", place, insn.imm);
}

std::string load(const bpf_insn& insn) {
    std::string_view size;
    if (BPF_MODE(insn.code) == BPF_MEM) size = access_size(insn);
    if (BPF_MODE(insn.code) == mode_memsx) size = signed_sizes[BPF_SIZE(insn.code) >> 3];
    if (size.empty()) return raw(insn);
    return fmt::format("r{} = {}", static_cast<int>(insn.dst_reg), memory(size, insn.src_reg, insn.off));
}

// What a ld_imm64 loads: src_reg says whether the two halves are a number or stand for something that the kernel, or
// the loader before it, replaces by an address.
std::string load_imm64(const bpf_insn& low, const bpf_insn& high) {
    const int dst = low.dst_reg;
    switch (low.src_reg) {
        case BPF_PSEUDO_MAP_FD: return fmt::format("r{} = map[fd:{}]", dst, low.imm);
        case BPF_PSEUDO_MAP_VALUE: return fmt::format("r{} = map[fd:{}][0]+{}", dst, low.imm, high.imm);
        case BPF_PSEUDO_MAP_IDX: return fmt::format("r{} = map[idx:{}]", dst, low.imm);
        case BPF_PSEUDO_MAP_IDX_VALUE: return fmt::format("r{} = map[idx:{}]+{}", dst, low.imm, high.imm);
        case BPF_PSEUDO_FUNC: return fmt::format("r{} = subprog[{:+d}]", dst, low.imm);
        default: break;  // a number; BPF_PSEUDO_BTF_ID's BTF id and fd are shown as one too
    }
    const std::uint64_t value =
        static_cast<std::uint64_t>(static_cast<std::uint32_t>(high.imm)) << 32 | static_cast<std::uint32_t>(low.imm);
    return fmt::format("r{} = 0x{:x}", dst, value);
}

// Class BPF_LD: ld_imm64, and classic BPF's access to packet bytes, which takes its packet from r6.
std::string load_immediate_or_packet(std::span<const bpf_insn> insns) {
    const bpf_insn& insn = insns[0];
    if (BPF_MODE(insn.code) == BPF_ABS) return fmt::format("r0 = *({} *)skb[{}]", access_size(insn), insn.imm);
    if (BPF_MODE(insn.code) == BPF_IND) {
        return fmt::format("r0 = *({} *)skb[r{} + {}]", access_size(insn), static_cast<int>(insn.src_reg), insn.imm);
    }
    if (slot_count(insn) != 2 || insns.size() < 2) return raw(insn);
    return load_imm64(insn, insns[1]);
}

std::string call(const bpf_insn& insn) {
    if (insn.src_reg == BPF_PSEUDO_CALL) return fmt::format("call pc{:+d}", insn.imm);
    if (insn.src_reg == BPF_PSEUDO_KFUNC_CALL) return fmt::format("call kfunc#{}", insn.imm);
    return fmt::format("call {}#{}", helper_name(insn.imm).value_or("unknown"), insn.imm);
}

std::string jump(const bpf_insn& insn) {
    switch (insn.code) {
        case BPF_JMP | BPF_CALL: return call(insn);
        case BPF_JMP | BPF_EXIT: return "exit";
        case BPF_JMP | BPF_JA: return fmt::format("goto pc{:+d}", insn.off);
        case BPF_JMP32 | BPF_JA: return fmt::format("gotol pc{:+d}", insn.imm);  // 32-bit distance (cpu v4, Linux 6.6)
        case BPF_JMP | BPF_JA | BPF_X: return fmt::format("gotox r{}", static_cast<int>(insn.dst_reg));  // jump table
        case BPF_JMP | op_jcond:
            return insn.src_reg == may_goto ? fmt::format("may_goto pc{:+d}", insn.off) : raw(insn);
        default: break;
    }
    const std::string_view op = jump_operators[operation_index(insn)];
    if (op.empty()) return raw(insn);
    const char reg = BPF_CLASS(insn.code) == BPF_JMP32 ? 'w' : 'r';
    const int dst = insn.dst_reg;
    if (BPF_SRC(insn.code) == BPF_K) {
        return fmt::format("if {}{} {} 0x{:x} goto pc{:+d}", reg, dst, op, static_cast<std::uint32_t>(insn.imm),
                           insn.off);
    }
    return fmt::format("if {}{} {} {}{} goto pc{:+d}", reg, dst, op, reg, static_cast<int>(insn.src_reg), insn.off);
}

}  // namespace

std::string disassemble(std::span<const bpf_insn> insns) {
    if (insns.empty()) return {};
    const bpf_insn& insn = insns[0];
    switch (BPF_CLASS(insn.code)) {
        case BPF_ALU:
        case BPF_ALU64: return alu(insn);
        case BPF_ST:
        case BPF_STX: return store(insn);
        case BPF_LDX: return load(insn);
        case BPF_LD: return load_immediate_or_packet(insns);
        default: return jump(insn);  // BPF_JMP, BPF_JMP32
    }
}

}  // namespace minibpf
