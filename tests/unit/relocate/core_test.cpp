// Every kind of CO-RE relocation as clang writes it: tests/data/core_local.bpf.c asks one question in each function,
// and the types of tests/data/core_kernel.bpf.c answer. libbpf gives the same numbers for the same two files.
#include <cstring>

#include <tests/catch.hpp>
#include <tests/read_object.hpp>
#include <tests/unit/btf/btf_builder.hpp>
#include <tests/unit/relocate/core_targets.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

const ObjectSpec& local() {
    static const ObjectSpec object = object_spec("tests/data/core_local.bpf.o");
    return object;
}

const btf::Btf& kernel() {
    static const ObjectSpec object = object_spec("tests/data/core_kernel.bpf.o");
    return *object.btf;
}

std::size_t program_index(const std::string& name) {
    const ProgramSpec* program = local().find_program(name);
    if (program == nullptr) throw std::runtime_error("no program " + name);
    return static_cast<std::size_t>(program - local().programs.data());
}

Relocated relocate_program(const std::string& name) {
    BtfTargets targets({&kernel()});
    return relocate(local(), targets, program_index(name));
}

// The number that a function returns, read from its instruction.
std::uint64_t answer(const std::string& name) {
    const Relocated program = relocate_program(name);
    REQUIRE(program.changes.size() == 1);
    CHECK_FALSE(program.changes[0].is_poisoned());
    const bpf_insn& insn = program.linked.insns.at(program.changes[0].insn_index);
    const auto low = static_cast<std::uint32_t>(insn.imm);
    if (insn.code != (BPF_LD | BPF_IMM | BPF_DW)) return low;
    return std::uint64_t{static_cast<std::uint32_t>(program.linked.insns.at(1).imm)} << 32 | low;
}

// What is said of a function's poisoned instruction; "" when it is none.
std::string complaint(const std::string& name) {
    const Relocated program = relocate_program(name);
    REQUIRE(program.changes.size() == 1);
    const CoreChange& change = program.changes[0];
    const bpf_insn& insn = program.linked.insns.at(change.insn_index);
    const bool is_poison = std::memcmp(&insn, &poison, sizeof poison) == 0;
    CHECK(is_poison == change.is_poisoned());
    return is_poison ? core_change_text(local(), change) : "";
}

bpf_insn instruction(const std::string& name, std::size_t index = 0) {
    return relocate_program(name).linked.insns.at(index);
}

// The same question with type_matches for type_exists, which clang 14 does not have.
bool matches(const std::string& name) {
    ObjectSpec object = local();
    const std::size_t program = program_index(name);
    object.functions[object.programs[program].function].core_relocations.at(0).kind = CoreKind::type_matches;
    BtfTargets targets({&kernel()});
    return relocate(object, targets, program).linked.insns[0].imm != 0;
}

}  // namespace

TEST_CASE("a member's offset is that in the kernel's struct", "[core]") {
    CHECK(answer("offset") == 8);
    CHECK(answer("offset_nested") == 40);
    CHECK(answer("offset_of_root_element") == 168 + 8);
    CHECK(answer("offset_of_flavour") == 8);
}

TEST_CASE("members of anonymous structs and unions are found as members of the struct around them", "[core]") {
    CHECK(answer("offset_in_anonymous_union") == 16);
    CHECK(answer("offset_in_anonymous_struct") == 24);
}

TEST_CASE("an array's element lies where the kernel's elements are large", "[core]") {
    CHECK(answer("offset_element") == 60);
    CHECK(answer("offset_in_row") == 88);
    CHECK(answer("offset_in_flexible_array") == 167);
}

TEST_CASE("what the kernel lacks is poisoned, and told", "[core]") {
    CHECK(complaint("offset_gone") == "struct thing.gone (0:15): no member 'gone' in this kernel");
    CHECK(complaint("offset_past_the_array") == "struct thing.array[5] (0:4:5): no element 5 in this kernel");
    CHECK(complaint("offset_incompatible") ==
          "struct thing.became_pointer (0:9): member 'became_pointer' is of another type in this kernel");
    CHECK(complaint("offset_in_missing") == "struct missing.member (0:0): no struct missing in this kernel");
    CHECK(complaint("enumerator_value_gone") == "MAUVE of enum color (2): no such enumerator in this kernel");
    for (const char* name :
         {"size_gone", "signed_gone", "lshift_gone", "rshift_gone", "load_gone", "load_incompatible"})
        CHECK(complaint(name) != "");
}

TEST_CASE("a poisoned ld_imm64 is poison in both slots, and found by either", "[core]") {
    const Relocated program = relocate_program("enumerator_value_gone");
    CHECK(std::memcmp(&program.linked.insns[0], &poison, sizeof poison) == 0);
    CHECK(std::memcmp(&program.linked.insns[1], &poison, sizeof poison) == 0);
    CHECK(find_poisoned(program.changes, 0) == program.changes.data());
    CHECK(find_poisoned(program.changes, 1) == program.changes.data());
    CHECK(find_poisoned(program.changes, 2) == nullptr);
    CHECK(find_poisoned(relocate_program("offset").changes, 0) == nullptr);
}

TEST_CASE("a member's size is that in the kernel", "[core]") {
    CHECK(answer("size") == 8);
    CHECK(answer("size_of_array") == 2);
    CHECK(answer("size_of_element") == 16);
    CHECK(answer("size_of_nested") == 16);
}

TEST_CASE("whether a member exists is 1 or 0, never poison", "[core]") {
    CHECK(answer("exists_yes") == 1);
    CHECK(answer("exists_element") == 1);
    CHECK(answer("exists_no") == 0);
    CHECK(answer("exists_no_element") == 0);
    CHECK(answer("exists_incompatible") == 0);
    CHECK(answer("exists_in_missing") == 0);
}

TEST_CASE("a member's sign is that in the kernel", "[core]") {
    CHECK(answer("signed_unsigned") == 0);
    CHECK(answer("signed_int") == 1);
    CHECK(answer("signed_bits") == 1);
    CHECK(answer("signed_enum") == 0);
}

TEST_CASE("a bit-field is loaded with its int, and shifted to the top and down again", "[core]") {
    CHECK(answer("offset_bits") == 144);
    CHECK(answer("lshift_bits") == 64 - 8);
    CHECK(answer("rshift_bits") == 64 - 5);
    CHECK(answer("lshift_whole") == 32);
    CHECK(answer("rshift_whole") == 0);
}

TEST_CASE("a bit-field that lies across two ints is loaded with 8 bytes", "[core]") {
    CHECK(answer("offset_across") == 0);
    CHECK(answer("size_across") == 8);
    CHECK(answer("lshift_across") == 64 - 40);
    CHECK(answer("rshift_across") == 64 - 20);
}

TEST_CASE("types are known by their numbers, here and in the kernel", "[core]") {
    CHECK(answer("id_local") == local().btf->find(btf::Kind::struct_, "thing"));
    CHECK(answer("id_target") == kernel().find(btf::Kind::struct_, "thing"));
    CHECK(answer("id_target_missing") == 0);
}

TEST_CASE("a type exists when name and kind are right, and for functions all that they take", "[core]") {
    CHECK(answer("type_exists_yes") == 1);
    CHECK(answer("type_exists_no") == 0);
    CHECK(answer("type_exists_typedef") == 1);
    CHECK(answer("type_exists_function") == 1);
    CHECK(answer("type_exists_other_function") == 0);
    CHECK(answer("type_exists_other_kind") == 0);
}

TEST_CASE("a type's size is that in the kernel, or 0", "[core]") {
    CHECK(answer("size_of_type") == 168);
    CHECK(answer("size_of_missing") == 0);
}

TEST_CASE("a type matches when the kernel's has all its members", "[core]") {
    CHECK_FALSE(matches("type_exists_yes"));  // `gone`
    CHECK_FALSE(matches("type_exists_no"));
    CHECK(matches("type_exists_typedef"));
    CHECK(matches("type_exists_function"));
    CHECK_FALSE(matches("type_exists_other_function"));
}

TEST_CASE("an enumerator's value is that in the kernel", "[core]") {
    CHECK(answer("enumerator_exists") == 1);
    CHECK(answer("enumerator_exists_no") == 0);
    CHECK(answer("enumerator_value") == 9);
    CHECK(answer("enumerator_of_flavour") == 3);
}

TEST_CASE("a load takes the offset, and the size of an unsigned member", "[core]") {
    CHECK(instruction("load").off == 8);
    CHECK(instruction("load").code == (BPF_LDX | BPF_MEM | BPF_W));
    CHECK(instruction("load_grown").off == 112);
    CHECK(instruction("load_grown").code == (BPF_LDX | BPF_MEM | BPF_DW));
    CHECK(instruction("load_pointer").off == 128);
    CHECK(complaint("load_grown_signed") ==
          "struct thing.grown_signed (0:7): 8 bytes in this kernel, and the instruction accesses 4: that is right for "
          "unsigned integers only");
}

TEST_CASE("an array that has become shorter is loaded from as before", "[core]") {
    const Relocated program = relocate_program("load_array");
    REQUIRE(program.changes.size() == 1);
    CHECK(core_change_text(local(), program.changes[0]) == "struct thing.array (0:4): offset 16 -> 48");
    CHECK(instruction("load_array").off == 48);
    CHECK(instruction("load_array").code == (BPF_LDX | BPF_MEM | BPF_W));
}

TEST_CASE("a store takes the offset", "[core]") {
    CHECK(instruction("store", 1).off == 8);
}

TEST_CASE("once an access has told candidates apart, the others are out for that local type", "[core]") {
    BtfTargets targets({&kernel()});
    CoreRelocator relocator(local(), targets);
    const auto offset = [&](const std::string& name) {
        LinkedProgram linked = link_functions(local(), local().programs[program_index(name)]);
        relocator.relocate(linked);
        return linked.insns[0].off;
    };
    CHECK(offset("load_same") == 0);
    CHECK_THROWS_WITH(offset("load_differs"), contains("struct twice (type ") && contains(") says 4") &&
                                                  contains("struct twice___2 (type ") && contains(") says 8") &&
                                                  contains("function 'load_differs', instruction 0") &&
                                                  contains("field_byte_offset of struct twice.differs (0:2)"));
    CHECK(offset("load_only_here") == 8);
    CHECK(offset("load_differs") == 4);
}

TEST_CASE("a subprogram is relocated in every program that it is part of, and the kernel asked once", "[core]") {
    BtfTargets targets({&kernel()});
    CoreRelocator relocator(local(), targets);
    for (const char* name : {"calls_shared", "calls_shared_too"}) {
        LinkedProgram linked = link_functions(local(), local().programs[program_index(name)]);
        const std::vector<CoreChange> changes = relocator.relocate(linked);
        REQUIRE(changes.size() == 2);
        CHECK(changes[1].insn_index > changes[0].insn_index);
        CHECK(linked.insns[changes[1].insn_index].off == 40);
        CHECK(local().functions[changes[1].function].name == "shared");
    }
    CHECK(targets.questions == 1);
}

TEST_CASE("what was done to an instruction can be told", "[core]") {
    const auto told = [](const std::string& name) {
        return core_change_text(local(), relocate_program(name).changes.at(0));
    };
    CHECK(told("load_grown") == "struct thing.grown (0:6): offset 56 -> 112, 4 -> 8 bytes");
    CHECK(told("enumerator_value") == "GREEN of enum color (1): value 2 -> 9");
    CHECK(told("size_of_type") == "struct thing: size 112 -> 168");
    CHECK(told("offset_in_row") == "struct thing.rows[1].deep (0:5:1:0): offset 52 -> 88");
    CHECK(told("offset_of_root_element") == "struct thing[1].moved (1:0): offset 112 -> 176");
}
