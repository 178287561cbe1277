// CO-RE where no compiler goes: BTF put together by hand, for the object and for the kernel, and instructions that are
// not what they should be.
#include <cstring>
#include <string>

#include <tests/catch.hpp>
#include <tests/unit/btf/btf_builder.hpp>
#include <tests/unit/relocate/core_targets.hpp>

#include <libminibpf/relocate/core_types.hpp>

using namespace minibpf;
using namespace minibpf::test;
using btf::Btf;
using btf::Kind;
using btf::TypeId;

namespace {

constexpr auto offset_kind = CoreKind::field_byte_offset;

/// "struct pair { int a; int b; }", and what a test adds; type 1 is the int, 2 the struct.
struct Types : BtfBuilder {
    TypeId number = integer("int", 4, BTF_INT_SIGNED);
    TypeId pair = structure("pair", 8, {{"a", number, 0}, {"b", number, 32}});
};

Btf pair_types() {
    return Types().build();
}

// struct pair with b at byte 16, and of `size` bytes at least.
Btf kernel_types() {
    BtfBuilder kernel;
    const TypeId number = kernel.integer("int", 4, BTF_INT_SIGNED);
    kernel.structure("pair", 32, {{"a", number, 64}, {"b", number, 128}});
    return kernel.build();
}

// The access "0:1" (b) in one instruction.
ObjectSpec object_with(bpf_insn insn, CoreKind kind = offset_kind) {
    return object_of(pair_types(), {insn}, {{.kind = kind, .type = 2, .access = "0:1"}});
}

std::string error_for(const ObjectSpec& object, const Btf& kernel) {
    return error_of([&] { relocate(object, kernel); }).doing;
}

// What is wrong with an access to type `type` of the object.
std::string access_error(const Btf& local, TypeId type, const std::string& access, CoreKind kind = offset_kind) {
    return error_for(object_of(local, {mov(0)}, {{.kind = kind, .type = type, .access = access}}), kernel_types());
}

std::uint64_t wide_number(const LinkedProgram& linked) {
    return std::uint64_t{static_cast<std::uint32_t>(linked.insns.at(1).imm)} << 32 |
           static_cast<std::uint32_t>(linked.insns.at(0).imm);
}

// enumval_value of enumerator 0 of the local enum (type 1), from a ld_imm64 that holds `number`.
Relocated relocate_enumerator(const Btf& local, const Btf& kernel, std::uint64_t number) {
    const auto [low, high] = wide(number);
    return relocate(object_of(local, {low, high}, {{.kind = CoreKind::enumval_value, .type = 1, .access = "0"}}),
                    kernel);
}

Btf enum_types(bool is_signed, std::int64_t value) {
    BtfBuilder types;
    types.enumeration("e", 4, is_signed, {{"E", value}});
    return types.build();
}

}  // namespace

TEST_CASE("an access that leads nowhere in the object's types is an error that says where", "[core]") {
    const Btf types = pair_types();
    CHECK_THAT(access_error(types, 2, "0:2"),
               contains("function 'main', instruction 0: CO-RE relocation "
                        "field_byte_offset of struct pair (0:2): struct pair has 2 members"));
    CHECK_THAT(access_error(types, 2, "0:1:0"), contains("struct pair.b is of kind INT, which has nothing inside"));
    for (const char* access :
         {"", ":", "0:", "0::1", ":0", "0:x", "x", "0:-1", "-1:0", "0:1 ", "0:4294967296", "0:2147483648"})
        CHECK_THAT(access_error(types, 2, access), contains("is not a list of indices like 0:1:2"));
    CHECK_THAT(access_error(types, 99, "0"), contains("of type 99 (0): BTF has no type 99"));
    std::string long_access = "0";
    for (int i = 0; i < 64; ++i) long_access += ":0";
    CHECK_THAT(access_error(types, 2, long_access), contains("more than 64"));
    CHECK_THAT(access_error(types, 2, "1", CoreKind::type_exists), contains("must be '0'"));
    CHECK_THAT(access_error(types, 2, "0", CoreKind::enumval_value), contains("no such enumerator"));
    CHECK_THAT(access_error(types, 2, "0:1", static_cast<CoreKind>(13)), contains("kind 13"));
    CHECK_THAT(access_error(types, 2, "2000000000:1"), contains("more than 2 GiB"));
}

TEST_CASE("an enumerator that the local enum does not have is an error", "[core]") {
    BtfBuilder local;
    local.enumeration("e", 4, false, {{"E", 1}});
    CHECK_THAT(access_error(local.build(), 1, "1", CoreKind::enumval_value), contains("no such enumerator"));
    CHECK_THAT(access_error(local.build(), 1, "0:0", CoreKind::enumval_exists), contains("no such enumerator"));
}

TEST_CASE("types without a name or without a size cannot be looked for", "[core]") {
    BtfBuilder local;
    const TypeId number = local.integer("int", 4);
    const TypeId anonymous = local.structure("", 4, {{"a", number, 0}});
    const TypeId declared = local.add(Kind::fwd, "declared", 0, false, 0);
    CHECK_THAT(access_error(local.build(), anonymous, "0:0"), contains("without a name"));
    CHECK_THAT(access_error(local.build(), declared, "0"), contains("no size"));
    CHECK_THAT(access_error(local.build(), 0, "0", CoreKind::type_exists), contains("without a name"));
}

TEST_CASE("an array without a number of elements goes on for ever only at the end of its struct", "[core]") {
    const auto types = [](bool at_end) {
        BtfBuilder builder;
        const TypeId number = builder.integer("int", 4);
        const TypeId tail = builder.array(number, 0);
        if (at_end) {
            builder.structure("s", 4, {{"n", number, 0}, {"tail", tail, 32}});
        } else {
            builder.structure("s", 4, {{"tail", tail, 0}, {"n", number, 0}});
        }
        return builder.build();
    };
    CHECK_THAT(access_error(types(false), 3, "0:0:1"), contains("s.tail has 0 elements"));
    const ObjectSpec object = object_of(types(true), {mov(44)}, {{.kind = offset_kind, .type = 3, .access = "0:1:10"}});
    CHECK(relocate(object, types(true)).linked.insns[0].imm == 44);
    CHECK(relocate(object, types(false)).changes[0].miss == CoreMiss::element);
}

TEST_CASE("a relocation outside of its function is an error", "[core]") {
    ObjectSpec object = object_with(mov(4));
    object.functions[0].core_relocations[0].insn_index = 1;
    CHECK_THAT(error_for(object, kernel_types()), contains("has only 1 instructions"));
}

TEST_CASE("an instruction that does not hold the local number is left alone", "[core]") {
    CHECK_THAT(error_for(object_with(mov(5)), kernel_types()),
               contains("field_byte_offset of struct pair.b (0:1): 'r0 = 5': it holds 5") && contains("should hold 4"));
    CHECK_THAT(error_for(object_with(load(BPF_W, 8)), kernel_types()), contains("it holds 8"));
    CHECK_THAT(error_for(object_with(mov(0), CoreKind::field_exists), kernel_types()), contains("should hold 1"));
    const auto [low, high] = wide(4ull << 32 | 4);
    CHECK_THAT(error_for(object_of(pair_types(), {low, high}, {{.type = 2, .access = "0:1"}}), kernel_types()),
               contains("it holds 17179869188"));
}

TEST_CASE("instructions without a place for the number are errors", "[core]") {
    const bpf_insn add_register = {.code = BPF_ALU64 | BPF_ADD | BPF_X, .dst_reg = 1, .src_reg = 2, .imm = 4};
    const bpf_insn jump = {.code = BPF_JMP | BPF_JEQ | BPF_K, .off = 4, .imm = 4};
    const bpf_insn packet = {.code = BPF_LD | BPF_ABS | BPF_W, .imm = 4};
    for (const bpf_insn& insn : {add_register, jump, packet})
        CHECK_THAT(error_for(object_with(insn), kernel_types()), contains("no place for the number"));
    auto [low, high] = wide(4);
    CHECK_THAT(error_for(object_with(low), kernel_types()), contains("ends in the middle of its ld_imm64"));
    low.src_reg = BPF_PSEUDO_MAP_FD;
    CHECK_THAT(error_for(object_of(pair_types(), {low, high}, {{.type = 2, .access = "0:1"}}), kernel_types()),
               contains("no place for the number"));
}

TEST_CASE("every form of instruction takes the number", "[core]") {
    CHECK(relocate(object_with(mov(4)), kernel_types()).linked.insns[0].imm == 16);
    CHECK(relocate(object_with(load(BPF_W, 4)), kernel_types()).linked.insns[0].off == 16);
    const bpf_insn stored = relocate(object_with(store(BPF_W, 4)), kernel_types()).linked.insns[0];
    CHECK(stored.off == 16);
    CHECK(stored.imm == 5);
    const auto [low, high] = wide(4);
    const ObjectSpec object = object_of(pair_types(), {low, high}, {{.type = 2, .access = "0:1"}});
    CHECK(wide_number(relocate(object, kernel_types()).linked) == 16);
}

TEST_CASE("an offset that a load cannot reach is an error, and none for an addition", "[core]") {
    BtfBuilder kernel;
    const TypeId number = kernel.integer("int", 4);
    kernel.structure("pair", 40000, {{"b", number, 32768 * 8}});
    CHECK_THAT(error_for(object_with(load(BPF_W, 4)), kernel.build()), contains("at offset 32768"));
    CHECK(relocate(object_with(mov(4)), kernel.build()).linked.insns[0].imm == 32768);
}

TEST_CASE("only unsigned integers and pointers are loaded in another size", "[core]") {
    const auto relocated = [](bpf_insn insn, std::uint32_t local_encoding, std::uint32_t size, std::uint32_t encoding) {
        BtfBuilder local, kernel;
        local.structure("s", 4, {{"x", local.integer("u32", 4, local_encoding), 0}});
        kernel.structure("s", 64, {{"x", kernel.integer("u64", size, encoding), 64}});
        const Btf target = kernel.build();
        return relocate(object_of(local.build(), {insn}, {{.type = 2, .access = "0:0"}}), target).linked.insns[0];
    };
    CHECK(relocated(load(BPF_W, 0), 0, 8, 0).code == (BPF_LDX | BPF_MEM | BPF_DW));
    CHECK(relocated(load(BPF_W, 0), 0, 2, 0).code == (BPF_LDX | BPF_MEM | BPF_H));
    CHECK(relocated(store(BPF_W, 0), 0, 1, BTF_INT_BOOL).code == (BPF_ST | BPF_MEM | BPF_B));
    CHECK(relocated(load(BPF_W, 0), BTF_INT_SIGNED, 8, 0).code == poison.code);
    CHECK(relocated(load(BPF_W, 0), 0, 8, BTF_INT_SIGNED).code == poison.code);
    CHECK(relocated(mov(0), 0, 8, BTF_INT_SIGNED).imm == 8);
    CHECK_THROWS_WITH(relocated(load(BPF_W, 0), 0, 16, 0), contains("16 bytes in this kernel"));
    CHECK_THROWS_WITH(relocated(load(BPF_B, 0), 0, 8, 0), contains("it accesses 1 bytes, of a member that has 4"));
}

TEST_CASE("a bit-field that no aligned load of 8 bytes covers is an error", "[core]") {
    BtfBuilder kernel;
    const TypeId word = kernel.integer("u64", 8);
    const TypeId odd = kernel.integer("odd", 3);
    kernel.structure("pair", 32, {{"first", word, 0, 40}, {"a", odd, 64, 3}, {"b", word, 40, 60}});
    CHECK_THAT(error_for(object_with(mov(4)), kernel.build()), contains("pair.b is a bit-field (bits 40 to 99)"));
    const ObjectSpec odd_one = object_of(pair_types(), {mov(0)}, {{.type = 2, .access = "0:0"}});
    CHECK_THAT(error_for(odd_one, kernel.build()), contains("in an integer of 3 bytes"));
}

TEST_CASE("a bit-field's load is not compared with the compiler's, its sign and right shift are", "[core]") {
    BtfBuilder local;
    local.structure("pair", 4, {{"b", local.integer("u32", 4), 8, 4}});
    const auto value = [&](CoreKind kind, std::int32_t imm) {
        const ObjectSpec object = object_of(local.build(), {mov(imm)}, {{.kind = kind, .type = 2, .access = "0:0"}});
        return relocate(object, kernel_types()).linked.insns[0].imm;
    };
    CHECK(value(offset_kind, 1) == 16);
    CHECK(value(CoreKind::field_byte_size, 1) == 4);
    CHECK(value(CoreKind::field_lshift_u64, 5) == 32);
    CHECK(value(CoreKind::field_rshift_u64, 60) == 32);
    CHECK(value(CoreKind::field_signed, 0) == 1);
    CHECK_THROWS_AS(value(CoreKind::field_rshift_u64, 5), Error);
    CHECK_THROWS_AS(value(CoreKind::field_signed, 1), Error);
}

TEST_CASE("an array's element has neither sign nor shifts", "[core]") {
    BtfBuilder types;
    const TypeId number = types.integer("int", 4);
    const TypeId array = types.array(number, 4);
    types.structure("s", 16, {{"list", array, 0}});
    CHECK_THAT(access_error(types.build(), 3, "0:0:1", CoreKind::field_signed), contains("neither sign nor shifts"));
}

TEST_CASE("an enumerator of 2^31 or more is not taken for a negative one", "[core]") {
    const Btf high = enum_types(false, 0x80000000);
    CHECK(wide_number(relocate_enumerator(high, high, 0x80000000).linked) == 0x80000000);
    CHECK(wide_number(relocate_enumerator(enum_types(false, 1), high, 1).linked) == 0x80000000);
}

TEST_CASE("a negative enumerator stays negative, also where compilers of before 2022 did not say so", "[core]") {
    const std::uint64_t minus_one = ~0ull, minus_two = ~1ull;
    const Btf flagged = enum_types(true, -1), unflagged = enum_types(false, -1);
    const Btf flagged_two = enum_types(true, -2), unflagged_two = enum_types(false, -2);
    CHECK(wide_number(relocate_enumerator(flagged, flagged_two, minus_one).linked) == minus_two);
    CHECK(wide_number(relocate_enumerator(flagged, unflagged_two, minus_one).linked) == minus_two);
    CHECK(wide_number(relocate_enumerator(unflagged, flagged_two, minus_one).linked) == minus_two);
    CHECK(wide_number(relocate_enumerator(unflagged, unflagged_two, minus_one).linked) == minus_two);
    CHECK_THROWS_WITH(relocate_enumerator(flagged, flagged, 0xffffffff), contains("should hold -1"));
}

TEST_CASE("enums of 32 and of 64 bits stand for each other", "[core]") {
    BtfBuilder grown;
    grown.enumeration64("e___grown", false, {{"OTHER", 1}, {"E", 0x1234567890}});
    const Relocated program = relocate_enumerator(enum_types(false, 1), grown.build(), 1);
    CHECK(wide_number(program.linked) == 0x1234567890);
    CHECK(relocate_enumerator(grown.build(), enum_types(false, 7), 1).changes[0].miss == CoreMiss::enumerator);
}

TEST_CASE("two types of the kernel that disagree are an error that names both", "[core]") {
    BtfBuilder kernel;
    const TypeId number = kernel.integer("int", 4);
    kernel.structure("pair", 8, {{"a", number, 0}, {"b", number, 32}});
    kernel.structure("pair___2", 8, {{"a", number, 0}, {"b", number, 64}});
    const std::string error = error_for(object_with(mov(4)), kernel.build());
    CHECK_THAT(error, contains("struct pair (type 2) says 4") && contains("struct pair___2 (type 3) says 8"));
    const ObjectSpec same = object_of(pair_types(), {mov(0)}, {{.type = 2, .access = "0:0"}});
    CHECK(relocate(same, kernel.build()).linked.insns[0].imm == 0);
    const ObjectSpec id =
        object_of(pair_types(), {mov(2)}, {{.kind = CoreKind::type_id_target, .type = 2, .access = "0"}});
    CHECK_THAT(error_for(id, kernel.build()), contains("says 2") && contains("says 3"));
}

TEST_CASE("a module's type is found, whose members have vmlinux's types and its own names", "[core]") {
    BtfBuilder base;
    const TypeId number = base.integer("b", 4);  // a name that the module's member shares
    const Btf vmlinux = base.build();
    const auto base_strings = read_at<btf_header>(vmlinux.raw(), 0)->str_len;
    BtfBuilder own;
    own.string(std::string(base_strings - 2, 'x'));  // stands for vmlinux's strings, and is cut out again
    const std::uint32_t name_of_b = 1;
    own.add(Kind::struct_, "pair", 2, false, 32, {own.string("a"), number, 64, name_of_b, number, 128});
    Bytes raw = own.bytes();
    auto header = *read_at<btf_header>(raw, 0);
    const auto strings = raw.begin() + header.hdr_len + header.str_off;
    raw.erase(strings, strings + base_strings);
    header.str_len -= base_strings;
    std::memcpy(raw.data(), &header, sizeof header);
    for (const Btf& module : {Btf::parse(raw, "module", &vmlinux), Btf::index(raw, "module", &vmlinux)}) {
        BtfTargets targets({&vmlinux, &module});
        CHECK(relocate(object_with(mov(4)), targets).linked.insns[0].imm == 16);
    }
}

TEST_CASE("the same question is answered once", "[core]") {
    const ObjectSpec object =
        object_of(pair_types(), {mov(4), load(BPF_W, 4), mov(0), mov(1)},
                  {{.insn_index = 0, .type = 2, .access = "0:1"},
                   {.insn_index = 1, .type = 2, .access = "0:1"},
                   {.insn_index = 2, .type = 2, .access = "0:0"},
                   {.insn_index = 3, .kind = CoreKind::field_exists, .type = 2, .access = "0:1"}});
    const Btf kernel = kernel_types();
    BtfTargets targets({&kernel});
    const Relocated program = relocate(object, targets);
    CHECK(targets.questions == 1);
    CHECK(program.linked.insns[0].imm == 16);
    CHECK(program.linked.insns[1].off == 16);
    CHECK(program.linked.insns[2].imm == 8);
    CHECK(program.linked.insns[3].imm == 1);
}

TEST_CASE("the number of a local type is not looked for in the kernel, nor compared", "[core]") {
    const ObjectSpec object =
        object_of(pair_types(), {mov(77)}, {{.kind = CoreKind::type_id_local, .type = 2, .access = "0"}});
    BtfTargets targets({});
    const Relocated program = relocate(object, targets);
    CHECK(program.linked.insns[0].imm == 2);
    CHECK(program.changes[0].before == 77);
    CHECK(targets.questions == 0);
}

TEST_CASE("types that contain themselves end in an error, not in a loop", "[core]") {
    BtfBuilder kernel;
    kernel.structure("pair", 8, {{"", 1, 0}});
    CHECK_THAT(error_for(object_with(mov(4)), kernel.build()), contains("64 deep"));

    BtfBuilder pointers;
    pointers.type_def("loop", 2);
    pointers.pointer(2);
    const ObjectSpec object =
        object_of(pointers.build(), {mov(1)}, {{.kind = CoreKind::type_exists, .type = 1, .access = "0"}});
    CHECK_THAT(error_for(object, pointers.build()), contains("deeper than 32"));
    ObjectSpec matching = object;
    matching.functions[0].core_relocations[0].kind = CoreKind::type_matches;
    CHECK_THAT(error_for(matching, pointers.build()), contains("deeper than 32"));

    BtfBuilder arrays;
    arrays.array(1, 2);
    const Btf looping = arrays.build();
    CHECK_FALSE(core::fields_are_compatible({&looping, 1}, {&looping, 1}));

    BtfBuilder typedefs;
    typedefs.type_def("loop", 1);
    CHECK_THAT(access_error(typedefs.build(), 1, "0"), contains("no size"));
}

TEST_CASE("types that multiply end in an error", "[core]") {
    // struct level0 { struct level1; struct level1; ... }, 30 deep: 4^30 ways to a member that is not there.
    BtfBuilder kernel;
    kernel.structure("pair", 8, {{"", 2, 0}, {"", 2, 0}, {"", 2, 0}, {"", 2, 0}});
    for (TypeId next = 3; next < 32; ++next)
        kernel.structure("", 8, {{"", next, 0}, {"", next, 0}, {"", next, 0}, {"", next, 0}});
    kernel.integer("int", 4);
    CHECK_THAT(error_for(object_with(mov(4)), kernel.build()), contains("so often"));
}

TEST_CASE("an access to a member is compatible with what can be read in its place", "[core]") {
    BtfBuilder t;
    const TypeId number = t.integer("int", 4), wide_number_type = t.integer("long", 8, BTF_INT_SIGNED);
    const TypeId real = t.floating("double", 8), real32 = t.floating("float", 4);
    const TypeId s = t.structure("s", 4, {{"x", number, 0}}), u = t.record(Kind::union_, "u", 4, {{"y", number, 0}});
    const TypeId pointer = t.pointer(number), pointer_s = t.pointer(s), alias = t.type_def("alias", number);
    const TypeId e = t.enumeration("e", 4, false, {{"E", 1}}), e_mine = t.enumeration("e___mine", 1, false, {});
    const TypeId other_e = t.enumeration("f", 4, false, {}), no_name = t.enumeration("", 4, false, {});
    const TypeId e64 = t.enumeration64("e", false, {{"E", 1}});
    const TypeId numbers = t.array(number, 3), longs = t.array(wide_number_type, 5), structs = t.array(s, 3);
    const TypeId old_bits = t.add(Kind::int_, "bits", 0, false, 4, {3u << 16 | 5});
    const TypeId proto = t.prototype(number, {});
    const Btf types = t.build();
    const auto ok = [&](TypeId a, TypeId b) { return core::fields_are_compatible({&types, a}, {&types, b}); };
    CHECK(ok(number, wide_number_type));
    CHECK(ok(alias, wide_number_type));
    CHECK(ok(real, real32));
    CHECK(ok(s, u));
    CHECK(ok(pointer, pointer_s));
    CHECK(ok(e, e_mine));
    CHECK(ok(e, e64));
    CHECK(ok(e, no_name));
    CHECK(ok(numbers, longs));
    CHECK_FALSE(ok(e, other_e));
    CHECK_FALSE(ok(e, number));
    CHECK_FALSE(ok(number, real));
    CHECK_FALSE(ok(number, pointer));
    CHECK_FALSE(ok(numbers, structs));
    CHECK_FALSE(ok(numbers, number));
    CHECK_FALSE(ok(number, old_bits));
    CHECK_FALSE(ok(proto, proto));
    CHECK_FALSE(ok(0, 0));
}

TEST_CASE("a type is compatible by kind all the way to its end", "[core]") {
    BtfBuilder t;
    const TypeId number = t.integer("int", 4), real = t.floating("double", 8);
    const TypeId s = t.structure("s", 4, {{"x", number, 0}}), other = t.structure("other", 4, {});
    const TypeId u = t.record(Kind::union_, "s", 4, {});
    const TypeId to_s = t.pointer(s), to_other = t.pointer(other), to_u = t.pointer(u), to_number = t.pointer(number);
    const TypeId takes_s = t.prototype(number, {{"", to_s}}), takes_other = t.prototype(number, {{"x", to_other}});
    const TypeId takes_two = t.prototype(number, {{"", to_s}, {"", to_s}}), gives_s = t.prototype(to_s, {{"", to_s}});
    const Btf types = t.build();
    const auto ok = [&](TypeId a, TypeId b) { return core::types_are_compatible({&types, a}, {&types, b}); };
    CHECK(ok(s, other));
    CHECK(ok(to_s, to_other));
    CHECK(ok(takes_s, takes_other));
    CHECK_FALSE(ok(s, u));
    CHECK_FALSE(ok(to_s, to_u));
    CHECK_FALSE(ok(to_s, to_number));
    CHECK_FALSE(ok(takes_s, takes_two));
    CHECK_FALSE(ok(takes_s, gives_s));
    CHECK_FALSE(ok(real, real));  // libbpf's rules know no floating point here
}

TEST_CASE("a type matches one that has all its members and enumerators, of matching types", "[core]") {
    BtfBuilder t;
    const TypeId number = t.integer("int", 4, BTF_INT_SIGNED), small = t.integer("short", 2, BTF_INT_SIGNED);
    const TypeId unsigned_number = t.integer("int", 4);
    const TypeId s = t.structure("s", 4, {{"x", number, 0}});
    const TypeId larger = t.structure("s___2", 8, {{"y", number, 0}, {"x", number, 32}});
    const TypeId retyped = t.structure("s", 8, {{"x", small, 0}}),
                 resigned = t.structure("s", 4, {{"x", unsigned_number, 0}});
    const TypeId declared = t.add(Kind::fwd, "s", 0, false, 0), declared_union = t.add(Kind::fwd, "s", 0, true, 0);
    const TypeId to_s = t.pointer(s), to_larger = t.pointer(larger), to_declared = t.pointer(declared);
    const TypeId to_union = t.pointer(declared_union), to_retyped = t.pointer(retyped);
    const TypeId e = t.enumeration("e", 4, false, {{"A", 1}, {"B", 2}});
    const TypeId e_other_order = t.enumeration("e", 4, false, {{"B", 1}, {"C", 7}, {"A", 9}});
    const TypeId e_short = t.enumeration("e", 4, false, {{"A", 1}}),
                 e64 = t.enumeration64("e", false, {{"A", 1}, {"B", 1}});
    const TypeId three = t.array(number, 3), four = t.array(number, 4);
    const TypeId takes_s = t.prototype(number, {{"", to_s}}), takes_declared = t.prototype(number, {{"", to_declared}});
    const TypeId takes_value = t.prototype(number, {{"", s}}), takes_larger_value = t.prototype(number, {{"", larger}});
    const Btf types = t.build();
    const auto ok = [&](TypeId a, TypeId b) { return core::types_match({&types, a}, {&types, b}); };
    CHECK(ok(s, larger));
    CHECK_FALSE(ok(larger, s));
    CHECK_FALSE(ok(s, retyped));
    CHECK_FALSE(ok(s, resigned));
    CHECK(ok(to_s, to_larger));
    CHECK(ok(to_s, to_retyped));  // behind a pointer the name is enough
    CHECK(ok(to_s, to_declared));
    CHECK(ok(to_declared, to_s));
    CHECK_FALSE(ok(to_s, to_union));
    CHECK_FALSE(ok(declared, s));
    CHECK_FALSE(ok(declared, declared_union));
    CHECK(ok(e, e_other_order));
    CHECK_FALSE(ok(e, e_short));
    CHECK_FALSE(ok(e, e64));  // 4 bytes and 8
    CHECK(ok(three, three));
    CHECK_FALSE(ok(three, four));
    CHECK(ok(takes_s, takes_declared));
    CHECK(ok(takes_value, takes_larger_value));
    CHECK_FALSE(ok(takes_larger_value, takes_value));
}
