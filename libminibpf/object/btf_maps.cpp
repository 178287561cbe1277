// Maps declared by BTF: a variable in section .maps whose *type* is the definition. No byte of the section is read; the
// numbers are written as array lengths, because BTF describes types and not values.
//
//     struct {
//         __uint(type, BPF_MAP_TYPE_HASH);     int (*type)[1];       PTR -> ARRAY of 1
//         __uint(max_entries, 64);             int (*max_entries)[64];
//         __type(key, u32);                    u32 *key;             PTR -> the key's type
//         __type(value, struct user_msg_t);    struct user_msg_t *value;
//     } config SEC(".maps");
#include <libminibpf/object/parsing.hpp>

#include <limits>

#include <libminibpf/base/nearest.hpp>

namespace minibpf::parsing {

namespace {

constexpr std::string_view member_names[] = {"type",      "max_entries", "map_flags", "numa_node",
                                             "map_extra", "pinning",     "key_size",  "value_size",
                                             "key",       "value",       "values"};

[[noreturn]] void throw_unknown_member(std::string_view map, std::string_view member) {
    const std::string near = nearest(member, member_names);
    throw_malformed(fmt::format("map '{}': unknown member '{}' in its definition", map, member),
                    near.empty() ? "" : fmt::format("did you mean '{}'?", near));
}

/// One definition: the struct's members, one after the other, into the MapSpec.
class DefinitionReader {
public:
    DefinitionReader(const btf::Btf& btf, MapSpec& map, std::vector<std::string>& warnings)
        : btf_(btf), map_(map), warnings_(warnings) {}

    void read(const btf::Type& definition);
    /// Where the member `values` lies in the definition, bytes; 0 when there is none.
    std::uint64_t values_offset() const noexcept { return values_offset_; }

private:
    void read_member(const btf::Member& member);
    void read_values(const btf::Member& member);
    void read_inner(const btf::Type& definition);
    btf::TypeId pointed_to(const btf::Member& member) const;
    std::uint32_t number(const btf::Member& member) const;
    std::uint64_t long_number(const btf::Member& member);
    void set_size(const btf::Member& member, std::uint32_t& size, std::uint64_t value) const;
    void set_type(const btf::Member& member, std::uint32_t& size, btf::TypeId& type) const;

    const btf::Btf& btf_;
    MapSpec& map_;
    std::vector<std::string>& warnings_;
    bool has_type_ = false;
    std::uint64_t values_offset_ = 0;
};

btf::TypeId DefinitionReader::pointed_to(const btf::Member& member) const {
    const btf::TypeId pointer = btf_.strip_modifiers(member.type);
    if (btf_.kind(pointer) != btf::Kind::ptr) {
        fail("map '{}': member '{}' is {}, not a pointer as __uint and __type make it", map_.name, member.name,
             btf::kind_name(btf_.kind(pointer)));
    }
    return btf_.target(pointer);
}

// __uint(name, N): int (*name)[N]
std::uint32_t DefinitionReader::number(const btf::Member& member) const {
    const btf::Type array = btf_.stripped(pointed_to(member));
    if (array.kind != btf::Kind::array) {
        fail("map '{}': member '{}' is no number: write __uint({}, N)", map_.name, member.name, member.name);
    }
    return btf_.array(array).count;
}

// __ulong(name, N): enum { unique = N } name, for numbers that no array length can hold. clang before 15 knows no
// ENUM64, and writes the lower half of a number of 8 bytes.
std::uint64_t DefinitionReader::long_number(const btf::Member& member) {
    const btf::Type type = btf_.stripped(member.type);
    if (type.kind != btf::Kind::enum_ && type.kind != btf::Kind::enum64) return number(member);
    const std::vector<btf::Enumerator> enumerators = btf_.enumerators(type);
    if (enumerators.size() != 1) {
        fail("map '{}': member '{}' is an enum of {} values instead of 1", map_.name, member.name, enumerators.size());
    }
    if (type.kind == btf::Kind::enum_ && type.size() > 4) {
        warnings_.push_back(
            fmt::format("map '{}': of member '{}' only the lower 32 bits, {:#x}, are in the BTF: use clang 15 or newer",
                        map_.name, member.name, enumerators[0].value));
    }
    return enumerators[0].value;
}

// A size may be given twice, by __uint(key_size, ...) and __type(key, ...), when both agree.
void DefinitionReader::set_size(const btf::Member& member, std::uint32_t& size, std::uint64_t value) const {
    if (value > std::numeric_limits<std::uint32_t>::max()) {
        fail("map '{}': member '{}' has {} bytes", map_.name, member.name, value);
    }
    if (size != 0 && size != value) {
        fail("map '{}': member '{}' says {} bytes, but another one said {}", map_.name, member.name, value, size);
    }
    size = static_cast<std::uint32_t>(value);
}

void DefinitionReader::set_type(const btf::Member& member, std::uint32_t& size, btf::TypeId& type) const {
    type = pointed_to(member);
    const auto bytes = btf_.size_of(type);
    if (!bytes) fail("map '{}': member '{}' is of a type without a size", map_.name, member.name);
    set_size(member, size, *bytes);
}

void DefinitionReader::read_member(const btf::Member& member) {
    if (member.name == "type") {
        map_.type = static_cast<bpf_map_type>(number(member));
        has_type_ = true;
    } else if (member.name == "max_entries") {
        map_.max_entries = number(member);
    } else if (member.name == "map_flags") {
        map_.map_flags = number(member);
    } else if (member.name == "numa_node") {
        map_.numa_node = number(member);
    } else if (member.name == "map_extra") {
        map_.map_extra = long_number(member);
    } else if (member.name == "pinning") {
        const std::uint32_t pinning = number(member);
        if (pinning > 1) {
            fail("map '{}': pinning {} is neither LIBBPF_PIN_NONE nor LIBBPF_PIN_BY_NAME", map_.name, pinning);
        }
        if (pinning == 1) map_.pin_name = map_.name;
    } else if (member.name == "key_size") {
        set_size(member, map_.key_size, number(member));
    } else if (member.name == "value_size") {
        set_size(member, map_.value_size, number(member));
    } else if (member.name == "key") {
        set_type(member, map_.key_size, map_.btf_key_type_id);
    } else if (member.name == "value") {
        set_type(member, map_.value_size, map_.btf_value_type_id);
    } else if (member.name == "values") {
        read_values(member);
    } else {
        throw_unknown_member(map_.name, member.name);
    }
}

bool holds_maps(bpf_map_type type) noexcept {
    return type == BPF_MAP_TYPE_ARRAY_OF_MAPS || type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

// __array(values, struct inner): struct inner *values[]; or for a program array void (*values[])(void). The definition
// itself says what the inner maps are like; which ones go where, relocation records of section .maps say
// (map_slots.cpp).
void DefinitionReader::read_values(const btf::Member& member) {
    if (!holds_maps(map_.type) && map_.type != BPF_MAP_TYPE_PROG_ARRAY) {
        throw_malformed(fmt::format("map '{}': it has a member 'values', but its type is {}", map_.name,
                                    has_type_ ? map_type_name(map_.type) : "not said before it"),
                        "values are for array_of_maps, hash_of_maps and prog_array, whose type comes first");
    }
    const btf::Type array = btf_.stripped(member.type);
    const btf::Type element =
        btf_.type(array.kind == btf::Kind::array ? btf_.strip_modifiers(btf_.array(array).element) : btf::TypeId{0});
    if (element.kind != btf::Kind::ptr) {
        fail("map '{}': member 'values' is no array of pointers: write __array(values, ...)", map_.name);
    }
    values_offset_ = member.bit_offset / 8;
    set_size(member, map_.value_size, 4);
    const btf::Type target = btf_.stripped(element.target());
    if (!holds_maps(map_.type)) {
        if (target.kind != btf::Kind::func_proto) {
            fail("map '{}': its values point to {}, not to functions", map_.name, btf::kind_name(target.kind));
        }
        return;
    }
    if (target.kind != btf::Kind::struct_) {
        fail("map '{}': its values point to {}, not to a map's definition", map_.name, btf::kind_name(target.kind));
    }
    read_inner(target);
}

void DefinitionReader::read_inner(const btf::Type& definition) {
    MapSpec inner{.name = map_.name + ".inner", .kernel_name = kernel_object_name(map_.name + ".inner")};
    for (const btf::Member& member : btf_.members(definition)) {
        if (member.name == "values" || member.name == "pinning") {
            fail("map '{}': its inner maps cannot have '{}' themselves", map_.name, member.name);
        }
    }
    DefinitionReader(btf_, inner, warnings_).read(definition);
    map_.inner.push_back(std::move(inner));
}

// What a definition may leave out, because the kernel allows one value only.
void complete_sizes(MapSpec& map) {
    switch (map.type) {
        case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
        case BPF_MAP_TYPE_PROG_ARRAY:
        case BPF_MAP_TYPE_CGROUP_ARRAY:  // arrays of descriptors: int to int
        case BPF_MAP_TYPE_ARRAY_OF_MAPS:
            if (map.key_size == 0) map.key_size = 4;
            if (map.value_size == 0) map.value_size = 4;
            break;
        case BPF_MAP_TYPE_RINGBUF:
        case BPF_MAP_TYPE_USER_RINGBUF:
            // The kernel wants sizes of 0 here (ringbuf_map_alloc()). A declared value type says what the records are:
            // it stays in btf_value_type_id, for those who show them.
            map.key_size = 0;
            map.value_size = 0;
            break;
        case BPF_MAP_TYPE_HASH_OF_MAPS:
            if (map.value_size == 0) map.value_size = 4;
            break;
        default: break;
    }
}

void DefinitionReader::read(const btf::Type& definition) {
    for (std::uint32_t i = 0; i < definition.vlen; ++i) read_member(btf_.member(definition, i));
    if (!has_type_) fail("map '{}': its definition has no member 'type'", map_.name);
    complete_sizes(map_);
}

void read_map(Parsing& parsing, const elf::Section& section, const btf::SectionVar& variable) {
    const btf::Btf& btf = *parsing.spec.btf;
    const btf::Type var = btf.type(variable.type);
    if (var.kind != btf::Kind::var) {
        fail("section .maps: BTF type {} is {}, not a variable", var.id, btf::kind_name(var.kind));
    }
    if (variable.offset > section.size || section.size - variable.offset < variable.size) {
        fail("map '{}': its definition reaches outside section .maps ({} bytes)", var.name, section.size);
    }
    const btf::Type definition = btf.stripped(var.target());
    if (definition.kind != btf::Kind::struct_) {
        fail("map '{}': its type is {}, not a struct", var.name, btf::kind_name(definition.kind));
    }
    parsing.spend(var.name.size());  // an inner map has the name too, and a pin
    MapSpec map{.name = parsing.copy(var.name), .kernel_name = kernel_object_name(var.name)};
    DefinitionReader reader(btf, map, parsing.spec.warnings);
    reader.read(definition);
    parsing.spec.maps.push_back(std::move(map));
    parsing.map_places.push_back({.place = {.section = section.index, .offset = variable.offset},
                                  .size = variable.size,
                                  .values_offset = reader.values_offset()});
}

}  // namespace

void read_btf_maps(Parsing& parsing) {
    const elf::Section* section = parsing.elf.find_section(".maps");
    if (section == nullptr || section->size == 0) return;
    const Datasec* datasec = parsing.find_datasec(".maps");
    if (datasec == nullptr) {
        throw_malformed("section .maps: the object has no BTF to say what its maps are",
                        "compile with clang -g, and strip with llvm-strip -g");
    }
    const btf::Type maps = parsing.spec.btf->type(datasec->id);
    for (std::uint32_t i = 0; i < maps.vlen; ++i) read_map(parsing, *section, parsing.spec.btf->section_var(maps, i));
}

}  // namespace minibpf::parsing
