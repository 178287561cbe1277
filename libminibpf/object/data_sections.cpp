// Global variables: each data section becomes an array map with one element, the whole section. Instructions address a
// variable as the map's value plus an offset (BPF_PSEUDO_MAP_VALUE, Linux 5.2); user space reads it in the map.
//
//     .rodata  const volatile int limit = 3; and the format strings of bpf_printk     frozen after it is filled
//     .data    int step = 1;
//     .bss     __u64 counter;                                                         takes no bytes in the file
#include <libminibpf/object/parsing.hpp>

#include <algorithm>

#include <elf.h>

#include <libminibpf/object/uapi.hpp>

namespace minibpf::parsing {

namespace {

bool has_name(std::string_view name, std::string_view wanted) noexcept {
    return name.starts_with(wanted) && (name.size() == wanted.size() || name[wanted.size()] == '.');
}

bool is_read_only(std::string_view name) noexcept {
    return has_name(name, ".rodata");
}

// Static variables are no business of user space, so a section of nothing else need not be mapped (libbpf's rule).
bool has_global_variable(const btf::Btf& btf, btf::TypeId datasec) {
    const btf::Type section = btf.type(datasec);
    for (std::uint32_t i = 0; i < section.vlen; ++i) {
        const btf::TypeId var = btf.section_var(section, i).type;
        if (btf.kind(var) == btf::Kind::var && btf.var_linkage(var) != BTF_VAR_STATIC) return true;
    }
    return false;
}

MapSpec data_map(Parsing& parsing, const elf::Section& section, btf::TypeId datasec) {
    constexpr std::uint64_t most_bytes = 0x7fffffff;  // array_map_alloc_check(): INT_MAX
    if (section.size > most_bytes) {
        fail("section '{}': {} bytes of variables; a map's value has at most {}", section.name, section.size,
             most_bytes);
    }
    std::uint32_t flags = is_read_only(section.name) ? BPF_F_RDONLY_PROG : 0;
    if (datasec != 0 && has_global_variable(*parsing.spec.btf, datasec)) flags |= BPF_F_MMAPABLE;
    return {.name = parsing.copy(section.name),
            .kernel_name = data_map_kernel_name(parsing.spec.name, section.name),
            .origin = MapOrigin::data_section,
            .type = BPF_MAP_TYPE_ARRAY,
            .key_size = 4,
            .value_size = static_cast<std::uint32_t>(section.size),
            .max_entries = 1,
            .map_flags = flags,
            .btf_value_type_id = datasec,
            .initial = Bytes(section.data.begin(), section.data.end()),
            .read_only = is_read_only(section.name)};
}

void add_typed_variables(Parsing& parsing, const elf::Section& section, std::size_t map, btf::TypeId datasec) {
    const btf::Btf& btf = *parsing.spec.btf;
    const btf::Type in_section = btf.type(datasec);
    for (std::uint32_t i = 0; i < in_section.vlen; ++i) {
        const btf::SectionVar variable = btf.section_var(in_section, i);
        if (btf.kind(variable.type) != btf::Kind::var) continue;
        const std::string_view name = btf.name(variable.type);
        if (variable.offset > section.size || section.size - variable.offset < variable.size) {
            fail("section '{}': variable '{}' ({} bytes at offset {}) reaches outside it ({} bytes)", section.name,
                 name, variable.size, variable.offset, section.size);
        }
        parsing.spec.variables.push_back({.name = parsing.copy(name),
                                          .map = map,
                                          .offset = variable.offset,
                                          .size = variable.size,
                                          .type = btf.target(variable.type)});
    }
}

void add_untyped_variables(Parsing& parsing, const elf::Section& section, std::size_t map) {
    for (const elf::Symbol& symbol : parsing.elf.symbols()) {
        if (symbol.section != section.index || symbol.type != STT_OBJECT || symbol.size == 0) continue;
        if (symbol.value > section.size || section.size - symbol.value < symbol.size) {
            fail("section '{}': variable '{}' reaches outside it", section.name, symbol.name);
        }
        parsing.spec.variables.push_back({.name = parsing.copy(symbol.name),
                                          .map = map,
                                          .offset = static_cast<std::uint32_t>(symbol.value),
                                          .size = static_cast<std::uint32_t>(symbol.size)});
    }
}

void add_variables(Parsing& parsing, const elf::Section& section, std::size_t map, btf::TypeId datasec) {
    if (datasec != 0) {
        add_typed_variables(parsing, section, map, datasec);
    } else {
        add_untyped_variables(parsing, section, map);
    }
}

/// The section's DATASEC; 0: it has none.
btf::TypeId datasec_of(const Parsing& parsing, const elf::Section& section) {
    const Datasec* found = parsing.find_datasec(section.name);
    return found != nullptr && found->section == section.index ? found->id : 0;
}

}  // namespace

// libbpf's name, so that tools find the map where they expect it: "my_objec.rodata", up to 8 characters of the object's
// name before .rodata, .data and .bss (7 characters are reserved for the section even when it is shorter), none before
// .data.custom.
std::string data_map_kernel_name(std::string_view object, std::string_view section) {
    constexpr std::size_t most = BPF_OBJ_NAME_LEN - 1;
    constexpr std::size_t reserved = 7;
    const bool is_custom = section.find('.', 1) != std::string_view::npos;
    const std::size_t suffix = std::min(std::max(reserved, section.size()), most);
    const std::string_view prefix = is_custom ? std::string_view() : object.substr(0, most - suffix);
    return kernel_object_name(std::string(prefix).append(section));
}

bool is_data_section(const elf::Section& section) noexcept {
    if (section.type != SHT_PROGBITS && section.type != SHT_NOBITS) return false;
    if ((section.flags & SHF_ALLOC) == 0 || (section.flags & SHF_EXECINSTR) != 0) return false;
    return has_name(section.name, ".data") || is_read_only(section.name) || has_name(section.name, ".bss");
}

// Variables declared __arena lie in section .addr_space.1 (clang's name for the address space), and are the first bytes
// of the object's arena, a map that programs address directly (Linux 6.9).
void read_arena_section(Parsing& parsing) {
    const elf::Section* section = parsing.elf.find_section(".addr_space.1");
    if (section == nullptr || section->size == 0) return;
    std::vector<MapSpec>& maps = parsing.spec.maps;
    const auto is_arena = [](const MapSpec& map) { return std::uint32_t{map.type} == uapi::BPF_MAP_TYPE_ARENA; };
    const auto arena = std::ranges::find_if(maps, is_arena);
    if (arena == maps.end()) {
        fail("section '{}': variables of an arena, but the object has no map of type arena", section->name);
    }
    arena->initial = Bytes(section->data.begin(), section->data.end());
    const auto map = static_cast<std::size_t>(arena - maps.begin());
    parsing.map_places[map].data_section = section->index;
    parsing.map_places[map].data_size = section->size;
    add_variables(parsing, *section, map, datasec_of(parsing, *section));
}

void read_data_sections(Parsing& parsing) {
    read_arena_section(parsing);
    for (const elf::Section& section : parsing.elf.sections()) {
        if (section.size == 0 || !is_data_section(section)) continue;
        const btf::TypeId datasec = datasec_of(parsing, section);
        const std::size_t map = parsing.spec.maps.size();
        parsing.spec.maps.push_back(data_map(parsing, section, datasec));
        parsing.map_places.push_back({.place = {.section = section.index, .offset = 0}, .whole_section = true});
        add_variables(parsing, section, map, datasec);
    }
}

}  // namespace minibpf::parsing
