// Maps as they were declared before BTF: one struct for each in section "maps", named by its symbol.
//
//     struct bpf_map_def SEC("maps") config = {
//         .type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 12, .max_entries = 64 };
//
//      0      4          8            12            16          20   24        28         32          36
//     | type | key_size | value_size | max_entries | map_flags |                                            bpf_map_def
//     | type | size_key | size_value | max_elem    | flags     | id | pinning | inner_id | inner_idx |      bpf_elf_map
//
// The second one is iproute2's, for `tc filter ... bpf`; its length tells them apart. The first editions of it, copied
// into many sources, end after `pinning`. The kernel's samples had as long a bpf_map_def, with inner_map_idx and
// numa_node there, for maps of maps and with BPF_F_NUMA_NODE. libbpf dropped them in 1.0;
// sources that use them are still about.
//
// BPF_ANNOTATE_KV_PAIR(config, u32, struct event) gave such a map its types: it declares a struct ____btf_map_config
// with the members key and value.
#include <libminibpf/object/parsing.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <map>

#include <elf.h>

namespace minibpf::parsing {

namespace {

struct LegacyDefinition {  // struct bpf_map_def
    std::uint32_t type, key_size, value_size, max_entries, map_flags;
};

struct Iproute2Definition {  // struct bpf_elf_map, iproute2's include/bpf_elf.h
    LegacyDefinition map;
    std::uint32_t id, pinning, inner_id, inner_idx;
};

std::vector<const elf::Symbol*> definitions_in(const elf::ElfFile& elf, const elf::Section& section) {
    std::vector<const elf::Symbol*> symbols;
    for (const elf::Symbol& symbol : elf.symbols()) {
        const bool names_data = symbol.type == STT_OBJECT || symbol.type == STT_NOTYPE;
        if (symbol.section == section.index && names_data && !symbol.name.empty()) symbols.push_back(&symbol);
    }
    std::stable_sort(symbols.begin(), symbols.end(), [](auto* a, auto* b) { return a->value < b->value; });
    return symbols;
}

std::optional<Iproute2Definition> iproute2_definition(ByteView bytes) {
    constexpr std::size_t first_edition = offsetof(Iproute2Definition, inner_id);
    if (bytes.size() == sizeof(Iproute2Definition)) return read_at<Iproute2Definition>(bytes, 0);
    if (bytes.size() != first_edition) return std::nullopt;
    Iproute2Definition definition{};
    std::memcpy(&definition, bytes.data(), first_edition);
    const bool holds_maps =
        definition.map.type == BPF_MAP_TYPE_ARRAY_OF_MAPS || definition.map.type == BPF_MAP_TYPE_HASH_OF_MAPS;
    if (holds_maps || (definition.map.map_flags & BPF_F_NUMA_NODE) != 0) return std::nullopt;
    return definition;
}

MapSpec read_definition(std::string_view name, ByteView bytes, bool is_iproute2) {
    const auto definition = read_at<LegacyDefinition>(bytes, 0);
    if (!definition) {
        fail("map '{}': its definition has {} bytes, bpf_map_def has {}", name, bytes.size(), sizeof(LegacyDefinition));
    }
    const ByteView rest = bytes.subspan(is_iproute2 ? bytes.size() : sizeof(LegacyDefinition));
    if (std::any_of(rest.begin(), rest.end(), [](std::byte b) { return b != std::byte{0}; })) {
        throw_malformed(fmt::format("map '{}': its definition has {} bytes, and those after map_flags are not zero",
                                    name, bytes.size()),
                        "another loader's fields are not supported: declare the map in section .maps");
    }
    return {.name = std::string(name),
            .kernel_name = kernel_object_name(name),
            .origin = MapOrigin::legacy_definition,
            .type = static_cast<bpf_map_type>(definition->type),
            .key_size = definition->key_size,
            .value_size = definition->value_size,
            .max_entries = definition->max_entries,
            .map_flags = definition->map_flags};
}

// PIN_OBJECT_NS is for the maps of one object, PIN_GLOBAL_NS for all that tc loads. iproute2 gives the first a
// directory named by a hash of the object; we have one named by the map alone.
std::string iproute2_pin_name(std::string_view map, std::uint32_t pinning) {
    constexpr std::uint32_t pin_none = 0, pin_object_ns = 1, pin_global_ns = 2;
    if (pinning == pin_none) return {};
    if (pinning == pin_object_ns) return std::string(map);
    if (pinning == pin_global_ns) return fmt::format("tc/globals/{}", map);
    return fmt::format("tc/{}/{}", pinning, map);  // a directory of /etc/iproute2/bpf_pinning, which names numbers
}

/// A definition of iproute2's, and which map of spec.maps it made.
struct Iproute2Map {
    std::size_t map = 0;
    Iproute2Definition definition{};
};

// A map of maps names its inner map by `inner_id`; the one with that `id` is the pattern, and stands at `inner_idx`.
void connect_inner_maps(ObjectSpec& spec, const std::vector<Iproute2Map>& maps) {
    constexpr std::uint32_t nowhere = 0xffffffff;
    std::map<std::uint32_t, const Iproute2Map*> by_id;
    for (const Iproute2Map& map : maps) by_id.emplace(map.definition.id, &map);
    for (const Iproute2Map& outer : maps) {
        if (outer.definition.inner_id == 0) continue;
        MapSpec& spec_of_outer = spec.maps[outer.map];
        const auto inner = by_id.find(outer.definition.inner_id);
        if (inner == by_id.end() || inner->second == &outer) {
            fail("map '{}': no map has the id {} of its inner maps", spec_of_outer.name, outer.definition.inner_id);
        }
        MapSpec pattern = spec.maps[inner->second->map];
        pattern.pin_name.clear();
        pattern.inner.clear();
        pattern.slots.clear();
        spec_of_outer.inner.push_back(std::move(pattern));
        const std::uint32_t index = inner->second->definition.inner_idx;
        if (index == nowhere) continue;
        spec_of_outer.slots.push_back({.index = index, .target = MapReference{inner->second->map}});
    }
}

void add_annotated_types(MapSpec& map, const btf::Btf& btf) {
    const auto pair = btf.find(btf::Kind::struct_, "____btf_map_" + map.name);
    if (!pair) return;
    const auto members = btf.members(btf.type(*pair));
    if (members.size() != 2) return;
    if (btf.size_of(members[0].type) != map.key_size || btf.size_of(members[1].type) != map.value_size) return;
    map.btf_key_type_id = members[0].type;
    map.btf_value_type_id = members[1].type;
}

}  // namespace

// "maps/NAME" was BCC's and kernel samples' habit, "lirc_mode2/maps" is that of the infrared decoders in v4l-utils.
bool is_legacy_maps(const elf::Section& section) noexcept {
    const bool has_name =
        section.name == "maps" || section.name.starts_with("maps/") || section.name.ends_with("/maps");
    return has_name && section.type == SHT_PROGBITS && !section.is_executable() && section.size > 0;
}

void read_legacy_maps(Parsing& parsing) {
    std::vector<Iproute2Map> iproute2_maps;
    for (const elf::Section& section : parsing.elf.sections()) {
        if (!is_legacy_maps(section)) continue;
        const auto symbols = definitions_in(parsing.elf, section);
        if (symbols.empty()) fail("section '{}': no symbol names the maps in it", section.name);
        for (std::size_t i = 0; i < symbols.size(); ++i) {
            const std::uint64_t begin = symbols[i]->value;
            const std::uint64_t end = i + 1 < symbols.size() ? symbols[i + 1]->value : section.size;
            const ByteView bytes =
                section.data.subspan(begin, end - begin);  // elf/ checked that symbols lie in the section
            const std::optional<Iproute2Definition> iproute2 = iproute2_definition(bytes);
            parsing.spend(2 * symbols[i]->name.size());
            MapSpec map = read_definition(symbols[i]->name, bytes, iproute2.has_value());
            if (iproute2) {
                map.pin_name = iproute2_pin_name(map.name, iproute2->pinning);
                iproute2_maps.push_back({.map = parsing.spec.maps.size(), .definition = *iproute2});
            }
            if (parsing.spec.btf) add_annotated_types(map, *parsing.spec.btf);
            parsing.spec.maps.push_back(std::move(map));
            parsing.map_places.push_back({.place = {.section = section.index, .offset = begin}, .size = bytes.size()});
        }
    }
    connect_inner_maps(parsing.spec, iproute2_maps);
}

}  // namespace minibpf::parsing
