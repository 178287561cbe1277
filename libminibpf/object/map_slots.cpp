// What definitions put into maps: a pointer in `.values` or in a struct_ops variable is a relocation record of section
// .maps or .struct_ops, and its symbol the map or the program that the pointer means.
//
//     .values = { [1] = &inner },        a record at the offset of values + 1 * 8
//
// As in code, the symbol is the thing itself when it is global; for static maps and functions it is their section's,
// and the pointer holds the offset.
#include <libminibpf/object/parsing.hpp>

#include <algorithm>

namespace minibpf::parsing {

namespace {

constexpr std::uint64_t pointer_bytes = 8;

/// Of a section's symbol, which has no name, the section's.
std::string_view name_of(const elf::ElfFile& elf, const elf::Relocation& record) {
    const elf::Symbol& symbol = elf.symbols()[record.symbol];
    const elf::Section* section = elf.section(symbol.section);
    return symbol.name.empty() && section != nullptr ? section->name : symbol.name;
}

/// Records of one section, and the maps in it sorted by their places.
class SlotReader {
public:
    SlotReader(Parsing& parsing, const elf::Section& section) : parsing_(parsing), section_(section) {
        for (std::size_t i = 0; i < parsing.map_places.size(); ++i) {
            const MapPlace& map = parsing.map_places[i];
            if (map.place.section == section.index && !map.whole_section) maps_.push_back(i);
        }
        std::ranges::sort(maps_, {}, [&](std::size_t i) { return parsing.map_places[i].place.offset; });
    }

    void read(const elf::RelocationTable& table) {
        for (const elf::Relocation& record : table.records) read(record);
    }

private:
    void read(const elf::Relocation& record) {
        const std::size_t index = map_at(record.offset);
        const MapPlace& place = parsing_.map_places[index];
        MapSpec& map = parsing_.spec.maps[index];
        const std::uint64_t in_map = record.offset - place.place.offset;
        if (map.origin == MapOrigin::struct_ops) {
            map.slots.push_back({.index = static_cast<std::uint32_t>(in_map), .target = function_of(map, record)});
            return;
        }
        if (place.values_offset == 0 || in_map < place.values_offset ||
            (in_map - place.values_offset) % pointer_bytes != 0) {
            fail("section '{}': a relocation against '{}' at offset {}, which is no element of a map's values",
                 section_.name, name_of(parsing_.elf, record), record.offset);
        }
        MapSlot slot{.index = static_cast<std::uint32_t>((in_map - place.values_offset) / pointer_bytes)};
        if (map.type == BPF_MAP_TYPE_PROG_ARRAY) {
            slot.target = function_of(map, record);
        } else {
            slot.target = map_of(map, record);
        }
        map.slots.push_back(slot);
    }

    // The last map that begins before the offset: a definition's values reach up to the next one.
    std::size_t map_at(std::uint64_t offset) const {
        const auto after = std::ranges::upper_bound(maps_, offset, {},
                                                    [&](std::size_t i) { return parsing_.map_places[i].place.offset; });
        if (after == maps_.begin()) {
            fail("section '{}': a relocation at offset {}, which belongs to no map", section_.name, offset);
        }
        return *(after - 1);
    }

    /// Where a record points: its symbol's place, and what the pointer holds beside it.
    Place target_of(const elf::Relocation& record) const {
        const elf::Symbol& symbol = parsing_.elf.symbols()[record.symbol];
        const std::uint64_t held = read_at<std::uint64_t>(section_.data, record.offset).value_or(0);
        return {.section = symbol.section, .offset = symbol.value + held};
    }

    FunctionReference function_of(const MapSpec& map, const elf::Relocation& record) const {
        const auto function = parsing_.function_at(target_of(record));
        if (!function) {
            fail("map '{}': '{}', at offset {} of section '{}', is no function of this object", map.name,
                 name_of(parsing_.elf, record), record.offset, section_.name);
        }
        // Of an object without SEC() the programs are not known yet: settle_programs().
        const std::vector<ProgramSpec>& programs = parsing_.spec.programs;
        if (!programs.empty() && std::ranges::find(programs, *function, &ProgramSpec::function) == programs.end()) {
            throw_malformed(
                fmt::format("map '{}': '{}', at offset {} of section '{}', is a subprogram, not a program", map.name,
                            parsing_.spec.functions[*function].name, record.offset, section_.name),
                "a program is a global function in a section such as SEC(\"xdp\")");
        }
        return {*function};
    }

    MapReference map_of(const MapSpec& map, const elf::Relocation& record) const {
        const Place target = target_of(record);
        const auto found = std::ranges::find(parsing_.map_places, target, &MapPlace::place);
        if (found == parsing_.map_places.end() || found->whole_section) {
            fail("map '{}': '{}', at offset {} of section '{}', is no map of this object", map.name,
                 name_of(parsing_.elf, record), record.offset, section_.name);
        }
        return {static_cast<std::size_t>(found - parsing_.map_places.begin())};
    }

    Parsing& parsing_;
    const elf::Section& section_;
    std::vector<std::size_t> maps_;
};

}  // namespace

void read_map_slots(Parsing& parsing) {
    for (const elf::RelocationTable& table : parsing.elf.relocations()) {
        const elf::Section& section = *parsing.elf.section(table.section);
        const bool has_definitions = std::ranges::any_of(parsing.map_places, [&](const MapPlace& map) {
            return map.place.section == section.index && !map.whole_section;
        });
        if (has_definitions && !table.records.empty()) SlotReader(parsing, section).read(table);
    }
}

}  // namespace minibpf::parsing
