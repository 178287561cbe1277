#include <tests/catch.hpp>

#include <libminibpf/base/error.hpp>
#include <libminibpf/relocate/link.hpp>
#include <tests/read_object.hpp>

using namespace minibpf;
using minibpf::test::object_spec;

namespace {

constexpr bpf_insn exit_insn = {.code = BPF_JMP | BPF_EXIT};
constexpr bpf_insn call_insn = {.code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_CALL, .imm = -1};
constexpr bpf_insn load_low = {.code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = 1};
constexpr bpf_insn load_high = {};

InsnRelocation calls(std::uint32_t insn_index, std::size_t function) {
    return {.insn_index = insn_index, .target = FunctionReference{.function = function}};
}

Bytes record(std::uint32_t insn_index, std::uint32_t type_id) {
    Bytes bytes(8);
    std::memcpy(bytes.data(), &insn_index, 4);
    std::memcpy(bytes.data() + 4, &type_id, 4);
    return bytes;
}

FunctionSpec function(std::string name, std::vector<bpf_insn> insns, std::vector<InsnRelocation> relocations = {}) {
    FunctionSpec spec;
    spec.name = std::move(name);
    spec.insns = std::move(insns);
    spec.relocations = std::move(relocations);
    return spec;
}

ObjectSpec object_of(std::vector<FunctionSpec> functions) {
    ObjectSpec object;
    object.functions = std::move(functions);
    object.programs.push_back({.name = object.functions.front().name, .function = 0});
    return object;
}

}  // namespace

TEST_CASE("a call counts from the instruction after it to the subprogram behind the program", "[relocate]") {
    const ObjectSpec object =
        object_of({function("main", {exit_insn, call_insn, exit_insn}, {calls(1, 1)}), function("sub", {exit_insn})});
    const LinkedProgram linked = link_functions(object, object.programs[0]);
    REQUIRE(linked.insns.size() == 4);
    CHECK(linked.insns[1].imm == 1);  // 1 + 1 + 1 = 3
    CHECK(linked.insns[1].src_reg == BPF_PSEUDO_CALL);
}

TEST_CASE("a subprogram that is called twice is laid out once", "[relocate]") {
    const ObjectSpec object =
        object_of({function("main", {call_insn, call_insn, exit_insn}, {calls(0, 1), calls(1, 1)}),
                   function("sub", {exit_insn})});
    const LinkedProgram linked = link_functions(object, object.programs[0]);
    REQUIRE(linked.insns.size() == 4);
    CHECK(linked.insns[0].imm == 2);
    CHECK(linked.insns[1].imm == 1);
}

TEST_CASE("a subprogram is followed by those that it calls first, as libbpf lays them out", "[relocate]") {
    const ObjectSpec object = object_of(
        {function("main", {call_insn, call_insn, exit_insn}, {calls(0, 1), calls(1, 2)}),
         function("a", {call_insn, exit_insn}, {calls(0, 3)}), function("b", {exit_insn}), function("c", {exit_insn})});
    const LinkedProgram linked = link_functions(object, object.programs[0]);
    std::vector<std::size_t> order;
    for (const PlacedFunction& placed : linked.functions) order.push_back(placed.function);
    CHECK(order == std::vector<std::size_t>{0, 1, 3, 2});
}

TEST_CASE("a chain of calls that comes back is found, and callbacks are no calls", "[relocate]") {
    const ObjectSpec object = object_spec("tests/data/recursion.bpf.o");
    const auto loop = [&](const char* program) { return find_recursion(object, object.require_program(program)); };
    CHECK(loop("itself") == std::vector<std::string>{"down", "down"});
    CHECK(loop("each_other") == std::vector<std::string>{"ping", "pong", "ping"});
    CHECK(loop("neither").empty());
    const ObjectSpec callbacks = object_spec("tests/data/callbacks.bpf.o");
    CHECK(find_recursion(callbacks, callbacks.programs.at(0)).empty());
}

TEST_CASE("functions that call each other are laid out once each, for the verifier to judge", "[relocate]") {
    const ObjectSpec object = object_of({function("main", {call_insn, exit_insn}, {calls(0, 1)}),
                                         function("sub", {call_insn, exit_insn}, {calls(0, 1)})});
    CHECK(link_functions(object, object.programs[0]).insns.size() == 4);
}

TEST_CASE("the address of a function is a pseudo function in a ld_imm64", "[relocate]") {
    const ObjectSpec object = object_of(
        {function("main", {load_low, load_high, exit_insn}, {calls(0, 1)}), function("callback", {exit_insn})});
    const LinkedProgram linked = link_functions(object, object.programs[0]);
    CHECK(linked.insns[0].src_reg == BPF_PSEUDO_FUNC);
    CHECK(linked.insns[0].imm == 2);
    CHECK(linked.insns[1].imm == 0);
}

TEST_CASE("func_info of a subprogram counts from the program's first instruction", "[relocate]") {
    ObjectSpec object =
        object_of({function("main", {call_insn, exit_insn}, {calls(0, 1)}), function("sub", {exit_insn})});
    for (FunctionSpec& spec : object.functions) {
        spec.func_info_rec_size = 8;
        spec.func_info = record(0, 5);
    }
    const LinkedProgram linked = link_functions(object, object.programs[0]);
    CHECK(linked.func_info_rec_size == 8);
    Bytes expected = record(0, 5);
    const Bytes second = record(2, 5);
    expected.insert(expected.end(), second.begin(), second.end());
    CHECK(linked.func_info == expected);
}

TEST_CASE("a program with a function that has no func_info goes without", "[relocate]") {
    ObjectSpec object =
        object_of({function("main", {call_insn, exit_insn}, {calls(0, 1)}), function("sub", {exit_insn})});
    object.functions[0].func_info_rec_size = 8;
    object.functions[0].func_info = record(0, 5);
    CHECK(link_functions(object, object.programs[0]).func_info_rec_size == 0);
}

TEST_CASE("a map relocation sets src_reg to BPF_PSEUDO_MAP_FD and imm to the map fd", "[relocate]") {
    ObjectSpec object = object_of(
        {function("main", {load_low, load_high, exit_insn}, {{.insn_index = 0, .target = MapReference{.map = 1}}})});
    object.maps.resize(2);
    LinkedProgram linked = link_functions(object, object.programs[0]);
    std::vector<bool> used(2);
    note_maps_used(linked, object, used);
    CHECK(used == std::vector<bool>{false, true});
    relocate_maps(linked, object, std::vector<int>{7, 8});
    CHECK(linked.insns[0].src_reg == BPF_PSEUDO_MAP_FD);
    CHECK(linked.insns[0].imm == 8);
    CHECK(linked.insns[1].imm == 0);
}

TEST_CASE("a data relocation in a subprogram becomes the map's fd and the offset in its value", "[relocate]") {
    ObjectSpec object = object_of({function("main", {call_insn, exit_insn}, {calls(0, 1)}),
                                   function("sub", {load_low, load_high, exit_insn},
                                            {{.insn_index = 0, .target = DataReference{.map = 0, .offset = 12}}})});
    object.maps.resize(1);
    LinkedProgram linked = link_functions(object, object.programs[0]);
    relocate_maps(linked, object, std::vector<int>{5});
    CHECK(linked.insns[2].src_reg == BPF_PSEUDO_MAP_VALUE);
    CHECK(linked.insns[2].imm == 5);
    CHECK(linked.insns[3].imm == 12);
}

TEST_CASE("more than 256 functions in one program are an error that names the program", "[relocate]") {
    std::vector<FunctionSpec> functions;
    for (std::size_t i = 0; i < 300; ++i)
        functions.push_back(function("f" + std::to_string(i), {call_insn, exit_insn}, {calls(0, (i + 1) % 300)}));
    const ObjectSpec object = object_of(std::move(functions));
    CHECK_THROWS_WITH(link_functions(object, object.programs[0]), test::contains("'f0'") && test::contains("256"));
}
