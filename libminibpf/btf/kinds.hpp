// What follows `struct btf_type` for each kind: the whole of the BTF format in one table.
//
//      struct btf_type                  payload
//     | name_off | info | size/type |  | fixed bytes | vlen entries of entry_bytes each |
//
//      info:  | kind_flag | kind     | vlen    |       (linux/btf.h; before Linux 7.1 kind had 5 bits
//             31          30       24 23        0       and vlen 16, with zeros between)
//
// Internal to btf/: btf.hpp is the interface.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <libminibpf/btf/btf.hpp>

namespace minibpf::btf {

constexpr std::size_t type_bytes = sizeof(btf_type);

constexpr Kind kind_of_info(std::uint32_t info) noexcept {
    return static_cast<Kind>((info >> 24) & 0x7f);
}
constexpr std::uint32_t vlen_of_info(std::uint32_t info) noexcept {
    return info & 0xffffff;
}
constexpr bool kind_flag_of_info(std::uint32_t info) noexcept {
    return (info >> 31) != 0;
}

/// BTF_MAGIC as a machine of the other byte order writes it.
constexpr std::uint16_t foreign_magic = (BTF_MAGIC & 0xff) << 8 | BTF_MAGIC >> 8;

constexpr std::uint8_t nowhere = 0xff;

struct KindShape {
    std::string_view name;
    std::uint8_t fixed_bytes = 0;
    std::uint8_t entry_bytes = 0;
    bool refers = false;                   ///< the third word of btf_type is a TypeId, not a size
    bool entry_has_name = false;           ///< as the first word of the entry
    std::uint8_t entry_type_at = nowhere;  ///< where in the entry a TypeId is
};

constexpr std::array<KindShape, kind_count> kind_shapes = {{
    {.name = "VOID"},
    {.name = "INT", .fixed_bytes = 4},  // u32: encoding, offset, bits
    {.name = "PTR", .refers = true},
    {.name = "ARRAY", .fixed_bytes = sizeof(btf_array)},  // its two TypeIds are checked by hand
    {.name = "STRUCT", .entry_bytes = sizeof(btf_member), .entry_has_name = true, .entry_type_at = 4},
    {.name = "UNION", .entry_bytes = sizeof(btf_member), .entry_has_name = true, .entry_type_at = 4},
    {.name = "ENUM", .entry_bytes = sizeof(btf_enum), .entry_has_name = true},
    {.name = "FWD"},
    {.name = "TYPEDEF", .refers = true},
    {.name = "VOLATILE", .refers = true},
    {.name = "CONST", .refers = true},
    {.name = "RESTRICT", .refers = true},
    {.name = "FUNC", .refers = true},  // its vlen is the linkage: no entries follow
    {.name = "FUNC_PROTO",
     .entry_bytes = sizeof(btf_param),
     .refers = true,
     .entry_has_name = true,
     .entry_type_at = 4},
    {.name = "VAR", .fixed_bytes = 4, .refers = true},  // struct btf_var: linkage
    {.name = "DATASEC", .entry_bytes = sizeof(btf_var_secinfo), .entry_type_at = 0},
    {.name = "FLOAT"},
    {.name = "DECL_TAG", .fixed_bytes = 4, .refers = true},  // struct btf_decl_tag: component_idx
    {.name = "TYPE_TAG", .refers = true},
    {.name = "ENUM64", .entry_bytes = 12, .entry_has_name = true},  // struct btf_enum64: name_off, low, high word
}};

/// Of a kind that kind_shapes has.
constexpr std::size_t payload_bytes(Kind kind, std::uint32_t vlen) noexcept {
    const KindShape& shape = kind_shapes[static_cast<std::size_t>(kind)];
    return shape.fixed_bytes + std::size_t{shape.entry_bytes} * vlen;
}

/// Where the two sections lie in the input; both offsets count from its start.
struct Layout {
    std::size_t types_offset = 0, types_size = 0;
    std::size_t strings_offset = 0, strings_size = 0;
};

/// Checks the header; throws Error.
Layout read_layout(ByteView raw, std::string_view where);

/// Typedefs, qualifiers and arrays around one another: more than this is a loop. (The kernel resolves 32 deep:
/// MAX_RESOLVE_DEPTH in kernel/bpf/btf.c.)
constexpr int longest_chain = 64;

/// Whether one steps through the type to the one it names: TYPEDEF, CONST, VOLATILE, RESTRICT, TYPE_TAG.
constexpr bool is_modifier(Kind kind) noexcept {
    return kind == Kind::typedef_ || kind == Kind::const_ || kind == Kind::volatile_ || kind == Kind::restrict_ ||
           kind == Kind::type_tag;
}

}  // namespace minibpf::btf
