#include <libminibpf/insn/disassembler.hpp>

#include <vector>

#include <tests/catch.hpp>

using namespace minibpf;

namespace {

constexpr bpf_insn insn(int code, int dst, int src, int off, int imm) {
    bpf_insn result{};
    result.code = static_cast<__u8>(code);
    result.dst_reg = static_cast<__u8>(dst & 15);
    result.src_reg = static_cast<__u8>(src & 15);
    result.off = static_cast<__s16>(off);
    result.imm = imm;
    return result;
}

std::string text(int code, int dst, int src, int off, int imm) {
    const bpf_insn one = insn(code, dst, src, off, imm);
    return disassemble({&one, 1});
}

std::string text_of_load(int src, int low, int high) {
    const std::vector<bpf_insn> pair = {insn(BPF_LD | BPF_IMM | BPF_DW, 1, src, 0, low), insn(0, 0, 0, 0, high)};
    return disassemble(pair);
}

}  // namespace

TEST_CASE("arithmetic is written as C's assignments, on w registers when it is 32 bits wide", "[insn]") {
    CHECK(text(BPF_ALU64 | BPF_MOV | BPF_K, 1, 0, 0, 0) == "r1 = 0");
    CHECK(text(BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0) == "r6 = r1");
    CHECK(text(BPF_ALU | BPF_MOV | BPF_X, 6, 1, 0, 0) == "w6 = w1");
    CHECK(text(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -8) == "r2 += -8");
    CHECK(text(BPF_ALU | BPF_ARSH | BPF_K, 2, 0, 0, 3) == "w2 s>>= 3");
    CHECK(text(BPF_ALU64 | BPF_LSH | BPF_X, 2, 3, 0, 0) == "r2 <<= r3");
    CHECK(text(BPF_ALU64 | BPF_NEG, 4, 0, 0, 0) == "r4 = -r4");
    CHECK(text(BPF_ALU | BPF_NEG, 4, 0, 0, 0) == "w4 = -w4");
}

TEST_CASE("signed division, sign-extending moves and byte order are told apart by off and imm", "[insn]") {
    CHECK(text(BPF_ALU64 | BPF_DIV | BPF_X, 1, 2, 0, 0) == "r1 /= r2");
    CHECK(text(BPF_ALU64 | BPF_DIV | BPF_X, 1, 2, 1, 0) == "r1 s/= r2");
    CHECK(text(BPF_ALU | BPF_MOD | BPF_K, 1, 0, 1, 7) == "w1 s%= 7");
    CHECK(text(BPF_ALU64 | BPF_MOV | BPF_X, 1, 2, 8, 0) == "r1 = (s8)r2");
    CHECK(text(BPF_ALU64 | BPF_MOV | BPF_X, 1, 2, 32, 0) == "r1 = (s32)r2");
    CHECK(text(BPF_ALU | BPF_MOV | BPF_X, 1, 2, 16, 0) == "w1 = (s16)w2");
    CHECK(text(BPF_ALU | BPF_END | BPF_TO_BE, 1, 0, 0, 16) == "r1 = be16 r1");
    CHECK(text(BPF_ALU | BPF_END | BPF_TO_LE, 1, 0, 0, 64) == "r1 = le64 r1");
    CHECK(text(BPF_ALU64 | BPF_END, 1, 0, 0, 32) == "r1 = bswap32 r1");
    CHECK(text(BPF_ALU64 | BPF_MOV | BPF_X, 1, 2, 1, 1) == "r1 = addr_space_cast(r2, 0, 1)");
    CHECK(text(BPF_ALU64 | BPF_MOV | BPF_X, 1, 2, -1, 0) == "r1 = &(void __percpu *)(r2)");
}

TEST_CASE("memory accesses show size, base register and signed offset", "[insn]") {
    CHECK(text(BPF_LDX | BPF_MEM | BPF_DW, 1, 10, -8, 0) == "r1 = *(u64 *)(r10 -8)");
    CHECK(text(BPF_LDX | BPF_MEM | BPF_B, 1, 6, 0, 0) == "r1 = *(u8 *)(r6 +0)");
    CHECK(text(BPF_LDX | 0x80 | BPF_H, 1, 6, 4, 0) == "r1 = *(s16 *)(r6 +4)");
    CHECK(text(BPF_STX | BPF_MEM | BPF_W, 10, 1, -16, 0) == "*(u32 *)(r10 -16) = r1");
    CHECK(text(BPF_ST | BPF_MEM | BPF_DW, 10, 0, -8, -1) == "*(u64 *)(r10 -8) = -1");
    CHECK(text(BPF_LD | BPF_ABS | BPF_H, 0, 0, 0, 12) == "r0 = *(u16 *)skb[12]");
    CHECK(text(BPF_LD | BPF_IND | BPF_B, 0, 3, 0, 14) == "r0 = *(u8 *)skb[r3 + 14]");
}

TEST_CASE("atomic operations are written as the kernel's functions", "[insn]") {
    constexpr int atomic64 = BPF_STX | BPF_ATOMIC | BPF_DW;
    constexpr int atomic32 = BPF_STX | BPF_ATOMIC | BPF_W;
    CHECK(text(atomic64, 1, 2, 8, BPF_ADD) == "lock *(u64 *)(r1 +8) += r2");
    CHECK(text(atomic32, 1, 2, 0, BPF_XOR) == "lock *(u32 *)(r1 +0) ^= r2");
    CHECK(text(atomic64, 1, 2, 8, BPF_ADD | BPF_FETCH) == "r2 = atomic64_fetch_add((u64 *)(r1 +8), r2)");
    CHECK(text(atomic32, 1, 2, 0, BPF_AND | BPF_FETCH) == "r2 = atomic_fetch_and((u32 *)(r1 +0), r2)");
    CHECK(text(atomic64, 1, 2, 0, BPF_XCHG) == "r2 = atomic64_xchg((u64 *)(r1 +0), r2)");
    CHECK(text(atomic64, 1, 2, 0, BPF_CMPXCHG) == "r0 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r2)");
    CHECK(text(atomic64, 1, 2, 0, 0x100) == "r1 = load_acquire((u64 *)(r2 +0))");
    CHECK(text(atomic32, 1, 2, 0, 0x110) == "store_release((u32 *)(r1 +0), r2)");
}

TEST_CASE("jumps count from the next instruction", "[insn]") {
    CHECK(text(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3, 0) == "if r0 == 0x0 goto pc+3");
    CHECK(text(BPF_JMP | BPF_JNE | BPF_K, 0, 0, -3, -1) == "if r0 != 0xffffffff goto pc-3");
    CHECK(text(BPF_JMP | BPF_JSGT | BPF_X, 1, 2, 5, 0) == "if r1 s> r2 goto pc+5");
    CHECK(text(BPF_JMP32 | BPF_JLT | BPF_K, 1, 0, 5, 16) == "if w1 < 0x10 goto pc+5");
    CHECK(text(BPF_JMP32 | BPF_JSET | BPF_X, 1, 2, 5, 0) == "if w1 & w2 goto pc+5");
    CHECK(text(BPF_JMP | BPF_JA, 0, 0, -2, 0) == "goto pc-2");
    CHECK(text(BPF_JMP32 | BPF_JA, 0, 0, 0, 70000) == "gotol pc+70000");
    CHECK(text(BPF_JMP | BPF_JA | BPF_X, 3, 0, 0, 0) == "gotox r3");
    CHECK(text(BPF_JMP | 0xe0, 0, 0, 4, 0) == "may_goto pc+4");
    CHECK(text(BPF_JMP | BPF_EXIT, 0, 0, 0, 0) == "exit");
}

TEST_CASE("calls name the helper, the distance or the kernel function's id", "[insn]") {
    CHECK(text(BPF_JMP | BPF_CALL, 0, 0, 0, 6) == "call bpf_trace_printk#6");
    CHECK(text(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 9) == "call pc+9");
    CHECK(text(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, 1234) == "call kfunc#1234");
    CHECK(text(BPF_JMP | BPF_CALL, 0, 0, 0, 999999) == "call unknown#999999");
}

TEST_CASE("a ld_imm64 covers two slots and says what it loads", "[insn]") {
    CHECK(text_of_load(0, 0x55667788, 0x11223344) == "r1 = 0x1122334455667788");
    CHECK(text_of_load(0, -1, -1) == "r1 = 0xffffffffffffffff");
    CHECK(text_of_load(BPF_PSEUDO_MAP_FD, 4, 0) == "r1 = map[fd:4]");
    CHECK(text_of_load(BPF_PSEUDO_MAP_VALUE, 5, 12) == "r1 = map[fd:5][0]+12");
    CHECK(text_of_load(BPF_PSEUDO_MAP_IDX, 2, 0) == "r1 = map[idx:2]");
    CHECK(text_of_load(BPF_PSEUDO_FUNC, 9, 0) == "r1 = subprog[+9]");
    CHECK(slot_count(insn(BPF_LD | BPF_IMM | BPF_DW, 1, 0, 0, 0)) == 2);
    CHECK(slot_count(insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)) == 1);
}

TEST_CASE("what is no instruction is shown as its number", "[insn]") {
    CHECK(text(BPF_JMP | BPF_EXIT | BPF_X, 0, 0, 0, 0) == "(raw 0x9d)");
    CHECK(text(BPF_LD | BPF_IMM | BPF_W, 0, 0, 0, 0) == "(raw 0x00)");
    CHECK(text(BPF_LD | BPF_IMM | BPF_DW, 0, 0, 0, 0) == "(raw 0x18)");
    CHECK(text(BPF_STX | BPF_ATOMIC | BPF_W, 0, 0, 0, 0x77) == "(raw 0xc3)");
    CHECK(disassemble({}).empty());
}

TEST_CASE("every opcode has a text, whatever the other fields say", "[insn]") {
    for (int code = 0; code < 256; ++code) {
        for (int src = 0; src < 16; ++src) {
            CHECK_FALSE(text(code, 15, src, -1, -1).empty());
            CHECK_FALSE(text(code, 15, src, 1, 1).empty());
        }
    }
}

TEST_CASE("helpers have the kernel's names", "[insn]") {
    CHECK(helper_name(1) == "bpf_map_lookup_elem");
    CHECK(helper_name(6) == "bpf_trace_printk");
    CHECK(helper_name(BPF_FUNC_ringbuf_output) == "bpf_ringbuf_output");
    CHECK_FALSE(helper_name(-1).has_value());
    CHECK_FALSE(helper_name(100000).has_value());
}
