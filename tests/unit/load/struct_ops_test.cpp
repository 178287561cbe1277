// Tables of functions that do not fit the kernel's struct.
#include <tests/catch.hpp>
#include <tests/fake_gate.hpp>
#include <tests/read_object.hpp>
#include <tests/unit/btf/btf_builder.hpp>

#include <libminibpf/load/loader.hpp>
#include <libminibpf/load/struct_ops.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

// struct demo_ops {                           in the kernel's struct bpf_struct_ops_demo_ops behind a number
//     int (*start)(void);   0
//     void *data;           8
//     int number;          16
//     int narrow : 3;      20
//     char name[8];        24
// };
std::string kernel_btf() {
    BtfBuilder b;
    const auto number = b.integer("int", 4);
    const auto letter = b.integer("char", 1);
    const auto table = b.structure("demo_ops", 32,
                                   {{"start", b.pointer(b.prototype(number, {})), 0},
                                    {"data", b.pointer(0), 64},
                                    {"number", number, 128},
                                    {"narrow", number, 160, 3},
                                    {"name", b.array(letter, 8), 192}});
    b.structure("bpf_struct_ops_demo_ops", 40, {{"common", number, 0}, {"data", table, 64}});
    b.structure("bpf_struct_ops_hollow_ops", 4, {{"common", number, 0}});
    b.structure("hollow_ops", 4, {{"number", number, 0}});
    const Bytes raw = b.bytes();
    return std::string(reinterpret_cast<const char*>(raw.data()), raw.size());
}

/// An object whose table is a struct with one member.
struct Table {
    BtfBuilder types;
    btf::TypeId number = types.integer("int", 4);
    btf::TypeId pointer = types.pointer(0);
    std::string name = "demo_ops";
    bool is_set = true;            // its bytes are not 0
    bool has_function = false;     // a program's place is there
    std::uint32_t slot_index = 0;  // where

    StructOps fit(const BtfBuilder::Member& member, std::uint32_t size) {
        ObjectSpec object;
        FunctionSpec function;
        function.name = "start";
        object.functions.push_back(std::move(function));
        const btf::TypeId table = types.structure(name, size, {member});
        object.btf = types.build();
        MapSpec map;
        map.name = "table";
        map.origin = MapOrigin::struct_ops;
        map.btf_value_type_id = table;
        map.initial = Bytes(size, std::byte{is_set});
        if (has_function) map.slots.push_back({.index = slot_index, .target = FunctionReference{0}});
        FakeGate gate;
        gate.files["/sys/kernel/btf/vmlinux"] = kernel_btf();
        gate.files["/proc/modules"] = "";
        KernelTypes kernel(gate, "");
        return fit_struct_ops(kernel, object, map);
    }

    std::string fault(const BtfBuilder::Member& member, std::uint32_t size) {
        const ErrorDetail error = error_of([&] { fit(member, size); });
        CHECK(error.blame == Blame::object);
        CHECK_THAT(error.doing, contains("struct_ops map 'table'"));
        return error.doing;
    }
};

Table zeros() {
    Table table;
    table.is_set = false;
    return table;
}

Table with_function(std::uint32_t slot_index = 0) {
    Table table = zeros();
    table.has_function = true;
    table.slot_index = slot_index;
    return table;
}

Table named(const std::string& name) {
    Table table;
    table.name = name;
    return table;
}

}  // namespace

TEST_CASE("a table's member is found by its name, wherever the kernel has it", "[load][struct_ops]") {
    Table table;
    const StructOps fitted = table.fit({"number", table.number, 0}, 4);
    CHECK(fitted.value.size() == 40);
    CHECK(read_at<std::uint32_t>(fitted.value, 8 + 16) == 0x01010101u);
    CHECK(fitted.members.empty());

    Table functions = with_function();
    const StructOps with_function = functions.fit({"start", functions.pointer, 0}, 8);
    REQUIRE(with_function.members.size() == 1);
    CHECK(with_function.members[0].value_offset == 8);
    CHECK(with_function.members[0].member_index == 0);
}

TEST_CASE("a member that the kernel's table lacks may stay if it is 0", "[load][struct_ops]") {
    CHECK_THAT(Table().fault({"gone", 1, 0}, 4), contains("struct demo_ops has no member 'gone'"));
    CHECK_THAT(with_function().fault({"gone", 2, 0}, 8), contains("no member 'gone'"));
    CHECK(zeros().fit({"gone", 1, 0}, 4).value == Bytes(40));
}

TEST_CASE("a member of another kind or size than the kernel's is an error with both", "[load][struct_ops]") {
    CHECK_THAT(Table().fault({"number", 2, 0}, 8), contains("'number' is PTR of 8 bytes, but in the kernel INT of 4"));
    Table wide;
    CHECK_THAT(wide.fault({"number", wide.types.integer("long", 8), 0}, 8),
               contains("'number' is INT of 8 bytes, but in the kernel INT of 4"));
    Table text;
    CHECK_THAT(text.fault({"name", text.types.array(text.types.integer("char", 1), 16), 0}, 16),
               contains("'name' is ARRAY of 16 bytes, but in the kernel ARRAY of 8"));
}

TEST_CASE("a bit-field of a table cannot be set, and need not be", "[load][struct_ops]") {
    CHECK_THAT(Table().fault({"narrow", 1, 0, 3}, 4), contains("'narrow' is a bit-field"));
    CHECK_THAT(Table().fault({"narrow", 1, 0}, 4), contains("'narrow' is a bit-field"));
    CHECK_THAT(Table().fault({"number", 1, 0, 3}, 4), contains("'number' is a bit-field"));
    CHECK(zeros().fit({"narrow", 1, 0, 3}, 4).value == Bytes(40));
}

TEST_CASE("a program belongs where the kernel's table has a function", "[load][struct_ops]") {
    CHECK_THAT(with_function().fault({"data", 2, 0}, 8), contains("member 'data'") && contains("is no function"));
    CHECK_THAT(with_function().fault({"number", 2, 0}, 8), contains("member 'number'") && contains("is no function"));
    CHECK_THAT(with_function().fault({"name", 2, 0}, 8), contains("member 'name'") && contains("is no function"));
    CHECK_THAT(with_function(4).fault({"start", 2, 0}, 8),
               contains("'start' is at offset 4, where struct demo_ops has no member"));
}

TEST_CASE("a kernel without such a table is an error that names the struct", "[load][struct_ops]") {
    CHECK_THAT(named("other_ops").fault({"number", 1, 0}, 4),
               contains("no struct_ops for 'struct other_ops'") && contains("bpf_struct_ops_other_ops"));
    CHECK_THAT(named("hollow_ops").fault({"number", 1, 0}, 4),
               contains("bpf_struct_ops_hollow_ops does not contain a struct hollow_ops"));
    CHECK(named("demo_ops___mine").fit({"number", 1, 0}, 4).value.size() == 40);  // a flavour
}

TEST_CASE("a struct_ops program that is in no table is an error before it is loaded", "[load][struct_ops]") {
    FakeGate gate;
    ObjectSpec spec = object_spec("tests/data/struct_ops.bpf.o");
    std::erase_if(spec.maps, [](const MapSpec& map) { return map.origin == MapOrigin::struct_ops; });
    const ErrorDetail error = error_of([&] { load(gate, std::move(spec)); });
    CHECK_THAT(error.doing, contains("no struct_ops variable has it as a member") && contains("program '"));
    CHECK_THAT(error.hint, contains(".struct_ops") && contains("--program"));
    CHECK(gate.count<ProgLoad>() == 0);
    CHECK(gate.open_fds().empty());
}
