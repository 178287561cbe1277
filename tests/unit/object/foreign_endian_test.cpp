// Objects for machines of the other byte order are the same ObjectSpec as those for this one.
#include <libminibpf/object/object_spec.hpp>

#include <fmt/format.h>

#include <libminibpf/base/error.hpp>
#include <libminibpf/btf/value.hpp>
#include <libminibpf/insn/disassembler.hpp>
#include <tests/catch.hpp>
#include <tests/read_object.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

using Lines = std::vector<std::string>;

std::string hex(ByteView bytes) {
    std::string text;
    for (std::byte b : bytes) text += fmt::format("{:02x}", std::to_integer<unsigned>(b));
    return text;
}

struct TargetText {
    std::string operator()(const MapReference& map) const { return fmt::format("map {}", map.map); }
    std::string operator()(const DataReference& data) const { return fmt::format("map {}+{}", data.map, data.offset); }
    std::string operator()(const FunctionReference& to) const { return fmt::format("function {}", to.function); }
    std::string operator()(const ExternReference& to) const { return fmt::format("extern {}", to.index); }
    std::string operator()(const UnknownReference& reference) const { return reference.problem; }
};

void add_function(Lines& lines, const FunctionSpec& function) {
    lines.push_back(fmt::format("function {} in {}+{}{}", function.name, function.section, function.section_offset,
                                function.is_global ? ", global" : ""));
    const std::span<const bpf_insn> insns(function.insns);
    for (std::size_t i = 0; i < insns.size(); i += slot_count(insns[i])) {
        lines.push_back(fmt::format("{}: {}", i, disassemble(insns.subspan(i))));
    }
    for (const InsnRelocation& relocation : function.relocations) {
        lines.push_back(fmt::format("relocation {}: {} {}", relocation.insn_index, relocation.symbol,
                                    std::visit(TargetText(), relocation.target)));
    }
    for (const CoreRelocation& relocation : function.core_relocations) {
        lines.push_back(fmt::format("CO-RE {}: kind {}, type {}, {}", relocation.insn_index,
                                    static_cast<unsigned>(relocation.kind), relocation.type, relocation.access));
    }
    lines.push_back("func_info " + hex(function.func_info));
    lines.push_back("line_info " + hex(function.line_info));
}

void add_map(Lines& lines, const MapSpec& map) {
    lines.push_back(fmt::format("map {} ({}): type {}, key {}, value {}, entries {}, flags {:#x}, extra {}, pin '{}'",
                                map.name, map.kernel_name, static_cast<unsigned>(map.type), map.key_size,
                                map.value_size, map.max_entries, map.map_flags, map.map_extra, map.pin_name));
    lines.push_back(fmt::format("types {} and {}", map.btf_key_type_id, map.btf_value_type_id));
    lines.push_back("contents " + hex(map.initial));
    for (const MapSpec& inner : map.inner) add_map(lines, inner);
    for (const MapSlot& slot : map.slots) {
        lines.push_back(fmt::format("[{}] = {}", slot.index, std::visit(TargetText(), slot.target)));
    }
}

/// All that an object is, line by line.
Lines description(const ObjectSpec& spec) {
    Lines lines = {fmt::format("license {}, version {:#x}", spec.license, spec.kern_version)};
    for (const ProgramSpec& program : spec.programs) {
        lines.push_back(fmt::format("program {}: SEC {}, type {}, function {}", program.name, program.section,
                                    static_cast<unsigned>(program.kind.type), program.function));
    }
    for (const FunctionSpec& function : spec.functions) add_function(lines, function);
    for (const MapSpec& map : spec.maps) add_map(lines, map);
    for (const VariableSpec& variable : spec.variables) {
        lines.push_back(fmt::format("variable {}: map {}+{}, {} bytes, type {}", variable.name, variable.map,
                                    variable.offset, variable.size, variable.type));
    }
    for (const ExternSpec& external : spec.externs) {
        lines.push_back(
            fmt::format("extern {}: kind {}, type {}", external.name, static_cast<int>(external.kind), external.type));
    }
    for (btf::TypeId id = 1; spec.btf && id <= spec.btf->last_id(); ++id) {
        lines.push_back(fmt::format("[{}] {} {}", id, btf::kind_name(spec.btf->type(id).kind),
                                    btf::definition_text(*spec.btf, id)));
    }
    return lines;
}

ObjectSpec foreign(const std::string& name) {
    return parse_object(file_bytes(build_dir() / "tests/data" / (name + ".foreign.o")), name + ".bpf.o");
}

ObjectSpec native(const std::string& name) {
    return parse_object(file_bytes(build_dir() / "tests/data" / (name + ".bpf.o")), name + ".bpf.o");
}

}  // namespace

TEST_CASE("an object of the other byte order has the same programs, maps, variables and types", "[object][foreign]") {
    for (const char* name : {"foreign_values", "iproute2_maps", "kernel_btf_kinds", "ksyms", "legacy_maps",
                             "map_values", "pinned", "programs", "struct_ops", "variables"}) {
        INFO(name);
        const ObjectSpec there = foreign(name);
        const ObjectSpec here = native(name);
        CHECK(there.foreign_endian);
        CHECK_FALSE(here.foreign_endian);
        CHECK(description(there) == description(here));
    }
}

TEST_CASE("an object of the other byte order says so, and cannot be required to be native", "[object][foreign]") {
    const ObjectSpec object = foreign("programs");
    REQUIRE(object.warnings.size() == 1);
    CHECK_THAT(object.warnings[0], contains("endian machines") && contains("inspected and planned"));
    CHECK_THROWS_WITH(object.require_native_endian(), contains("programs.bpf.o") && contains("endian"));
    CHECK_NOTHROW(native("programs").require_native_endian());
}

TEST_CASE("a variable of an object of the other byte order is set in this machine's", "[object][foreign]") {
    ObjectSpec object = foreign("variables");
    object.set_variable("limit", "300");
    CHECK(read_at<std::uint32_t>(object.find_map(".rodata")->initial, 0) == 300);
}

TEST_CASE("a foreign object cut off or changed anywhere is an error or an object, never a crash", "[object][foreign]") {
    Bytes bytes = file_bytes(build_dir() / "tests/data/foreign_values.foreign.o");
    const auto parse = [](ByteView input) {
        try {
            parse_object(input, "broken.o");
        } catch (const Error& error) {
            if (error.detail().doing.empty()) FAIL("an error that says nothing");
        }
    };
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        parse(ByteView(bytes).first(at));
        for (std::byte flip : {std::byte{0x01}, std::byte{0x80}, std::byte{0xff}}) {
            bytes[at] ^= flip;
            parse(bytes);
            bytes[at] ^= flip;
        }
    }
}
