// Maps as they were declared before BTF: one struct for each in section "maps", named by its symbol.
//
//     struct bpf_map_def SEC("maps") config = {
//         .type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 12, .max_entries = 64 };
//
//      0      4          8            12            16          20
//     | type | key_size | value_size | max_entries | map_flags | more, by other loaders: must be zero
//
// libbpf dropped them in 1.0; sources that use them are still about.
#include <libminibpf/object/parsing.hpp>

#include <algorithm>

#include <elf.h>

namespace minibpf::parsing {

namespace {

struct LegacyDefinition {  // struct bpf_map_def
    std::uint32_t type, key_size, value_size, max_entries, map_flags;
};

// "maps/NAME" was BCC's and kernel samples' habit.
bool is_legacy_maps(const elf::Section& section) noexcept {
    return (section.name == "maps" || section.name.starts_with("maps/")) && section.type == SHT_PROGBITS &&
           section.size > 0;
}

std::vector<const elf::Symbol*> definitions_in(const elf::ElfFile& elf, const elf::Section& section) {
    std::vector<const elf::Symbol*> symbols;
    for (const elf::Symbol& symbol : elf.symbols()) {
        const bool names_data = symbol.type == STT_OBJECT || symbol.type == STT_NOTYPE;
        if (symbol.section == section.index && names_data && !symbol.name.empty()) symbols.push_back(&symbol);
    }
    std::stable_sort(symbols.begin(), symbols.end(), [](auto* a, auto* b) { return a->value < b->value; });
    return symbols;
}

MapSpec read_definition(std::string_view name, ByteView bytes) {
    const auto definition = read_at<LegacyDefinition>(bytes, 0);
    if (!definition) {
        fail("map '{}': its definition has {} bytes, bpf_map_def has {}", name, bytes.size(), sizeof(LegacyDefinition));
    }
    const ByteView rest = bytes.subspan(sizeof(LegacyDefinition));
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

}  // namespace

void read_legacy_maps(Parsing& parsing) {
    for (const elf::Section& section : parsing.elf.sections()) {
        if (!is_legacy_maps(section)) continue;
        const auto symbols = definitions_in(parsing.elf, section);
        if (symbols.empty()) fail("section '{}': no symbol names the maps in it", section.name);
        for (std::size_t i = 0; i < symbols.size(); ++i) {
            const std::uint64_t begin = symbols[i]->value;
            const std::uint64_t end = i + 1 < symbols.size() ? symbols[i + 1]->value : section.size;
            const ByteView bytes =
                section.data.subspan(begin, end - begin);  // elf/ checked that symbols lie in the section
            parsing.spec.maps.push_back(read_definition(symbols[i]->name, bytes));
            parsing.map_places.push_back({.place = {.section = section.index, .offset = begin}});
        }
    }
}

}  // namespace minibpf::parsing
