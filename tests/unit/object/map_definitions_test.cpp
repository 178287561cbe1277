// Maps of maps, program arrays, struct_ops, iproute2's definitions: what a definition says beyond sizes.
#include <algorithm>
#include <array>

#include <linux/btf.h>

#include <tests/catch.hpp>
#include <tests/read_object.hpp>
#include <tests/unit/elf/elf_bytes.hpp>

#include <libminibpf/object/uapi.hpp>

using namespace minibpf;
using minibpf::test::contains;
using minibpf::test::damaged;
using minibpf::test::ElfBytes;
using minibpf::test::object_spec;

namespace {

ObjectSpec parse(const std::string& name) {
    return object_spec("tests/data/" + name + ".bpf.o");
}

std::vector<std::pair<std::uint32_t, std::string>> slots_of(const ObjectSpec& object, std::string_view map) {
    std::vector<std::pair<std::uint32_t, std::string>> slots;
    for (const MapSlot& slot : object.find_map(map)->slots) {
        const auto* inner = std::get_if<MapReference>(&slot.target);
        slots.emplace_back(slot.index, inner != nullptr
                                           ? object.maps[inner->map].name
                                           : object.functions[std::get<FunctionReference>(slot.target).function].name);
    }
    std::ranges::sort(slots);
    return slots;
}

using Slots = std::vector<std::pair<std::uint32_t, std::string>>;

}  // namespace

TEST_CASE("a map of maps has the shape of its inner maps and what is put into it", "[object]") {
    const ObjectSpec object = parse("map_values");
    const MapSpec* outer = object.find_map("outer");
    REQUIRE(outer != nullptr);
    CHECK(outer->key_size == 4);
    CHECK(outer->value_size == 4);
    REQUIRE(outer->inner.size() == 1);
    CHECK(outer->inner[0].type == BPF_MAP_TYPE_ARRAY);
    CHECK(outer->inner[0].value_size == 4);
    CHECK(outer->inner[0].max_entries == 1);
    CHECK(slots_of(object, "outer") == Slots{{1, "first"}, {3, "second"}});

    const MapSpec* empty = object.find_map("empty_outer");
    REQUIRE(empty != nullptr);
    CHECK(empty->inner.size() == 1);
    CHECK(empty->slots.empty());
}

TEST_CASE("a program array has the programs that its definition names", "[object]") {
    const ObjectSpec object = parse("map_values");
    CHECK(slots_of(object, "programs") == Slots{{2, "next"}});
    CHECK(object.find_map("programs")->inner.empty());
}

TEST_CASE("static maps in a definition are told apart by what the pointers hold", "[object]") {
    const ObjectSpec object = parse("static_inner_maps");
    CHECK(slots_of(object, "by_index") == Slots{{1, "first"}, {3, "second"}});
    CHECK(slots_of(object, "by_number") == Slots{{2, "third"}});
    CHECK(object.find_map("by_number")->key_size == 8);
    CHECK(slots_of(object, "by_byte") == Slots{{3, "first"}});
}

TEST_CASE("a map that is pinned by name has its own name under the bpffs", "[object]") {
    CHECK(parse("pinned").find_map("minibpf_test_pinned")->pin_name == "minibpf_test_pinned");
    CHECK(parse("map_values").find_map("outer")->pin_name.empty());
}

TEST_CASE("iproute2's definitions have pins and inner maps", "[object]") {
    const ObjectSpec object = parse("iproute2_maps");
    const MapSpec* counters = object.find_map("counters");
    REQUIRE(counters != nullptr);
    CHECK(counters->origin == MapOrigin::legacy_definition);
    CHECK(counters->value_size == 8);
    CHECK(counters->max_entries == 2);
    CHECK(counters->pin_name.empty());

    const MapSpec* outer = object.find_map("by_interface");
    REQUIRE(outer != nullptr);
    CHECK(outer->pin_name == "tc/globals/by_interface");
    REQUIRE(outer->inner.size() == 1);
    CHECK(outer->inner[0].value_size == 8);
    CHECK(slots_of(object, "by_interface") == Slots{{1, "counters"}});
}

TEST_CASE("iproute2's definitions of seven members have a pin too, unless they can be another loader's", "[object]") {
    const ObjectSpec object = parse("first_iproute2_maps");
    REQUIRE(object.find_map("drops") != nullptr);
    CHECK(object.find_map("drops")->value_size == 8);
    CHECK(object.find_map("drops")->pin_name == "tc/globals/drops");

    ElfBytes elf = damaged("first_iproute2_maps");
    const std::uint64_t definition = elf.section("maps").sh_offset;
    *elf.at<std::uint32_t>(definition + 16) = BPF_F_NUMA_NODE;
    CHECK_THROWS_WITH(parse_object(elf.bytes(), "samples.o"), contains("map 'drops'") && contains("28 bytes"));
}

TEST_CASE("a struct_ops variable is a map whose members name programs", "[object]") {
    const ObjectSpec object = parse("struct_ops");
    const MapSpec* table = object.find_map("minibpf");
    REQUIRE(table != nullptr);
    CHECK(table->origin == MapOrigin::struct_ops);
    CHECK(table->type == BPF_MAP_TYPE_STRUCT_OPS);
    CHECK(table->map_flags == 0);  // .struct_ops.link would say BPF_F_LINK
    CHECK(table->value_size == 40);
    CHECK(slots_of(object, "minibpf") ==
          Slots{{0, "minibpf_ssthresh"}, {8, "minibpf_undo_cwnd"}, {16, "minibpf_cong_avoid"}});
    CHECK(object.find_program("minibpf_ssthresh")->kind.type == BPF_PROG_TYPE_STRUCT_OPS);
}

TEST_CASE("a number that the compiler cut in half is a warning", "[object]") {
    ElfBytes elf = damaged("maps");
    const Elf64_Shdr& section = elf.section(".BTF");
    const std::array<std::uint32_t, 3> four_bytes = {0, BTF_KIND_ENUM << 24 | 1, 4};  // __ulong(map_extra, 3)
    const ByteView pattern = std::as_bytes(std::span(four_bytes));
    const auto begin = elf.bytes().begin() + static_cast<std::ptrdiff_t>(section.sh_offset);
    const auto end = begin + static_cast<std::ptrdiff_t>(section.sh_size);
    const auto found = std::search(begin, end, pattern.begin(), pattern.end());
    REQUIRE(found != end);
    CHECK(parse_object(elf.bytes(), "maps.o").warnings.empty());
    *(found + 8) = std::byte{8};
    const ObjectSpec object = parse_object(elf.bytes(), "maps.o");
    REQUIRE(object.warnings.size() == 1);
    CHECK_THAT(object.warnings[0], contains("map 'bloom'") && contains("'map_extra'") && contains("clang 15"));
    CHECK(object.find_map("bloom")->map_extra == 3);
}
