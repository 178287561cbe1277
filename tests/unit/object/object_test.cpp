// Whole objects, as clang makes them, to ObjectSpec.
#include <libminibpf/object/object_spec.hpp>

#include <libminibpf/base/error.hpp>
#include <libminibpf/relocate/link.hpp>
#include <tests/catch.hpp>
#include <tests/unit/elf/elf_bytes.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

ObjectSpec parse(const std::string& name) {
    return parse_object(read_test_object(name), "some/where/" + name + ".bpf.o");
}

const FunctionSpec& function(const ObjectSpec& object, std::string_view name) {
    for (const FunctionSpec& f : object.functions) {
        if (f.name == name) return f;
    }
    throw std::runtime_error("no function " + std::string(name));
}

// "first -> global_in_text, in_section"
std::string calls_of(const ObjectSpec& object, std::string_view name) {
    std::string text;
    for (const InsnRelocation& relocation : function(object, name).relocations) {
        const auto* target = std::get_if<FunctionReference>(&relocation.target);
        if (target == nullptr) continue;
        if (!text.empty()) text += ", ";
        text += object.functions[target->function].name;
    }
    return text;
}

std::string bytes_as_text(ByteView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

TEST_CASE("the global functions of a section are its programs, in their order", "[object]") {
    const ObjectSpec object = parse("programs");
    CHECK(object.name == "programs");
    CHECK(object.license == "Dual MIT/GPL");
    CHECK(object.kern_version == 0x60100);
    CHECK(object.warnings.empty());
    REQUIRE(object.programs.size() == 4);
    CHECK(object.programs[0].name == "first");
    CHECK(object.programs[0].kind.hook.target == "do_unlinkat");
    CHECK(object.programs[1].name == "second");
    CHECK(object.programs[2].kind.optional);
    CHECK(object.programs[3].kind.xdp_frags);
    CHECK(object.functions[object.programs[1].function].name == "second");
    CHECK_FALSE(function(object, "in_section").is_global);
    CHECK(function(object, "global_in_text").is_global);
}

TEST_CASE("a global function in a section of any name is a subprogram when another one calls it", "[object]") {
    const ObjectSpec object = parse("subprogram_sections");
    CHECK(object.functions.size() == 6);
    REQUIRE(object.programs.size() == 2);
    CHECK(object.programs[0].name == "all");
    CHECK(object.programs[1].name == "some");
    CHECK(link_functions(object, object.programs[0]).functions.size() == 5);
    CHECK(link_functions(object, object.programs[1]).functions.size() == 2);
}

TEST_CASE("calls are resolved to functions, with and without a relocation record", "[object]") {
    const ObjectSpec object = parse("programs");
    CHECK(calls_of(object, "first") == "global_in_text, in_section");
    CHECK(calls_of(object, "second") == "in_section");
    CHECK(calls_of(object, "global_in_text") == "in_text, in_text");
    CHECK(calls_of(object, "with_callback") == "each");
}

TEST_CASE("instructions that no symbol covers are passed over with their relocations", "[object]") {
    const ObjectSpec object = parse("overridden");
    REQUIRE(object.functions.size() == 2);
    CHECK(function(object, "twice").section_offset == 4 * sizeof(bpf_insn));
    CHECK(calls_of(object, "hello") == "twice");
}

TEST_CASE("func_info and line_info are divided among the functions, counted in instructions", "[object]") {
    const ObjectSpec object = parse("programs");
    for (const FunctionSpec& f : object.functions) {
        INFO(f.name);
        CHECK(f.func_info_rec_size == sizeof(bpf_func_info));
        REQUIRE(f.func_info.size() == sizeof(bpf_func_info));
        const auto info = read_at<bpf_func_info>(f.func_info, 0).value();
        CHECK(info.insn_off == 0);
        CHECK(object.btf->type(info.type_id).name == f.name);
        REQUIRE(f.line_info.size() >= sizeof(bpf_line_info));
        std::uint32_t last = 0;
        for (std::size_t at = 0; at < f.line_info.size(); at += f.line_info_rec_size) {
            const auto line = read_at<bpf_line_info>(f.line_info, at).value();
            CHECK(line.insn_off < f.insns.size());
            CHECK(line.insn_off >= last);
            last = line.insn_off;
        }
        CHECK(read_at<bpf_line_info>(f.line_info, 0)->insn_off == 0);
    }
}

TEST_CASE("maps defined by BTF have all members of their definition", "[object]") {
    const ObjectSpec object = parse("maps");
    const MapSpec* messages = object.find_map("messages");
    REQUIRE(messages != nullptr);
    CHECK(messages->type == BPF_MAP_TYPE_HASH);
    CHECK(messages->key_size == 4);
    CHECK(messages->value_size == 24);
    CHECK(messages->max_entries == 64);
    CHECK(messages->map_flags == BPF_F_NO_PREALLOC);
    CHECK(messages->pin_name == "messages");
    CHECK(object.btf->type(messages->btf_value_type_id).name == "message_t");

    const MapSpec* numa = object.find_map("a_map_with_a_long_name");
    REQUIRE(numa != nullptr);
    CHECK(numa->kernel_name == "a_map_with_a_lo");
    CHECK(numa->numa_node == 1);
    CHECK(numa->value_size == 24);
    CHECK(object.find_map("bloom")->map_extra == 3);
}

TEST_CASE("a map definition may leave out what the kernel fixes", "[object]") {
    const ObjectSpec object = parse("maps");
    const MapSpec* output = object.find_map("output");
    CHECK(output->key_size == 4);
    CHECK(output->value_size == 4);
    CHECK(output->max_entries == 0);  // as many as CPUs, which only the loader knows

    const MapSpec* ring = object.find_map("ring");
    CHECK(ring->key_size == 0);
    CHECK(ring->value_size == 0);
    CHECK(object.btf->type(ring->btf_value_type_id).name == "message_t");  // for showing the records
}

TEST_CASE("a relocation against a map names it, at the instruction that loads it", "[object]") {
    const ObjectSpec object = parse("maps");
    const FunctionSpec& hello = function(object, "hello");
    REQUIRE(hello.relocations.size() == 3);
    CHECK(hello.relocations[0].symbol == "messages");
    const auto reference = std::get<MapReference>(hello.relocations[0].target);
    CHECK(object.maps[reference.map].name == "messages");
    CHECK(hello.insns[hello.relocations[0].insn_index].code == (BPF_LD | BPF_IMM | BPF_DW));
}

TEST_CASE("legacy definitions in section maps are read by their symbols", "[object]") {
    const ObjectSpec object = parse("legacy_maps");
    REQUIRE(object.maps.size() == 2);
    CHECK(object.maps[0].name == "counts");
    CHECK(object.maps[0].origin == MapOrigin::legacy_definition);
    CHECK(object.maps[0].key_size == 8);
    CHECK(object.maps[0].max_entries == 100);
    CHECK(object.maps[0].map_flags == BPF_F_NO_PREALLOC);
    CHECK(object.maps[1].type == BPF_MAP_TYPE_PERF_EVENT_ARRAY);
    REQUIRE(function(object, "hello").relocations.size() == 2);
    CHECK(std::get<MapReference>(function(object, "hello").relocations[1].target).map == 1);
}

TEST_CASE("data sections are array maps of one element, named as libbpf names them", "[object]") {
    const ObjectSpec object = parse("variables");
    const MapSpec* rodata = object.find_map(".rodata");
    REQUIRE(rodata != nullptr);
    CHECK(rodata->kernel_name == "variable.rodata");
    CHECK(rodata->type == BPF_MAP_TYPE_ARRAY);
    CHECK(rodata->key_size == 4);
    CHECK(rodata->max_entries == 1);
    CHECK(rodata->read_only);
    CHECK(rodata->map_flags == (BPF_F_RDONLY_PROG | BPF_F_MMAPABLE));
    CHECK(rodata->initial.size() == rodata->value_size);
    CHECK(object.btf->type(rodata->btf_value_type_id).kind == btf::Kind::datasec);
    CHECK(object.btf->type(rodata->btf_value_type_id).size() == rodata->value_size);

    CHECK(object.find_map(".bss")->kernel_name == "variable.bss");
    CHECK(object.find_map(".bss")->initial.empty());
    CHECK(object.find_map(".bss")->map_flags == BPF_F_MMAPABLE);
    CHECK(object.find_map(".data.config")->kernel_name == ".data.config");
}

TEST_CASE("variables have their place, size and type, static ones too", "[object]") {
    const ObjectSpec object = parse("variables");
    const auto place = [&](const char* name) {
        const VariableSpec* variable = object.find_variable(name);
        REQUIRE(variable != nullptr);
        return object.maps[variable->map].name + "+" + std::to_string(variable->offset) + ":" +
               std::to_string(variable->size);
    };
    CHECK(place("limit") == ".rodata+0:4");
    CHECK(place("greeting") == ".rodata+4:16");
    CHECK(place("counter") == ".bss+0:8");
    CHECK(place("array_of_counters") == ".bss+8:32");
    CHECK(place("static_first") == ".data+4:4");
    CHECK(place("static_second") == ".data+8:4");
    CHECK(place("configured") == ".data.config+0:4");
}

TEST_CASE("variables in an arena are its first bytes", "[object]") {
    ObjectSpec object = parse("arena");
    const MapSpec& arena = object.require_map("memory");
    CHECK(arena.initial.size() == 5032);
    const VariableSpec& table = object.require_variable("arena_table");
    CHECK(&object.maps[table.map] == &arena);
    CHECK(table.size == 24);
    object.set_variable("arena_table", "{1, 2, 3}");
    CHECK(read_at<std::uint64_t>(arena.initial, table.offset + 16) == 3);
}

TEST_CASE("a variable is set before loading, in .bss too", "[object]") {
    ObjectSpec object = parse("variables");
    object.set_variable("limit", "300");
    CHECK(read_at<std::uint32_t>(object.find_map(".rodata")->initial, 0) == 300);
    object.set_variable("greeting", "\"Hey root!\"");
    CHECK(bytes_as_text(object.find_map(".rodata")->initial).substr(4, 10) == std::string("Hey root!\0", 10));
    object.set_variable("counter", "5");
    CHECK(object.find_map(".bss")->initial.size() == 42);
    CHECK(read_at<std::uint64_t>(object.find_map(".bss")->initial, 0) == 5);
    try {
        object.set_variable("countr", "5");
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(error.detail().hint == "did you mean 'counter'?");
    }
    CHECK_THROWS_WITH(object.set_variable("limit", "99999999999"), contains("variable 'limit'"));
    CHECK(object.variable<std::uint32_t>("limit") == 300);
    object.variable<std::uint64_t>("counter")++;
    CHECK(object.variable<std::uint64_t>("counter") == 6);
    CHECK_THROWS_WITH(object.variable<std::uint16_t>("limit"), contains("has 4 bytes, and was taken for one of 2"));
    CHECK_THROWS_WITH(object.variable<std::uint16_t>("limti"), contains("no variable 'limti'"));
}

TEST_CASE("an object without SEC() has the functions that nothing calls as its programs, of no type", "[object]") {
    const ObjectSpec object = parse("text_only");
    REQUIRE(object.programs.size() == 1);
    CHECK(object.programs[0].name == "entry");
    CHECK(object.programs[0].kind.type == BPF_PROG_TYPE_UNSPEC);
    CHECK(object.functions.size() == 2);
}

TEST_CASE("a missing license is a warning that says what to add", "[object]") {
    const ObjectSpec object = parse("text_only");
    CHECK_FALSE(object.has_license);
    CHECK(object.license.empty());
    REQUIRE(object.warnings.size() == 1);
    CHECK_THAT(object.warnings[0], contains("SEC(\"license\")"));
}

TEST_CASE("asking for what does not exist names the nearest or all there are", "[object]") {
    ObjectSpec object = parse("maps");
    CHECK(object.find_map("nothing") == nullptr);
    CHECK(object.find_program("nothing") == nullptr);
    try {
        object.require_map("mesages");
        FAIL("no error");
    } catch (const Error& error) {
        CHECK_THAT(error.detail().doing, contains("there is no map 'mesages'"));
        CHECK(error.detail().hint == "did you mean 'messages'?");
    }
    CHECK_THROWS_AS(object.require_program("goodbye"), Error);
    CHECK(object.require_program("hello").name == "hello");
}

TEST_CASE("raw instructions are one program of the given kind", "[object]") {
    const ObjectSpec text_only = parse("text_only");
    const std::vector<bpf_insn>& insns = function(text_only, "entry").insns;
    const ByteView bytes = std::as_bytes(std::span(insns));
    ProgramKind kind;
    kind.type = BPF_PROG_TYPE_TRACEPOINT;
    const ObjectSpec object = parse_raw_instructions(bytes, "dir/prog.text", kind, "GPL");
    CHECK(object.name == "prog");
    CHECK(object.license == "GPL");
    REQUIRE(object.programs.size() == 1);
    CHECK(object.programs[0].kind.type == BPF_PROG_TYPE_TRACEPOINT);
    CHECK(object.functions[0].insns.size() == insns.size());

    CHECK_THROWS_WITH(parse_raw_instructions({}, "prog.text", kind, ""), contains("empty"));
    CHECK_THROWS_WITH(parse_raw_instructions(bytes.first(12), "prog.text", kind, ""), contains("multiple"));
    Bytes half(8);
    half[0] = std::byte{0x18};
    CHECK_THROWS_WITH(parse_raw_instructions(half, "prog.text", kind, ""), contains("in the middle of instruction 0"));
    CHECK_THROWS_WITH(parse_raw_instructions(Bytes(8 * 1'000'001), "prog.text", kind, ""), contains("at most 1000000"));
}
