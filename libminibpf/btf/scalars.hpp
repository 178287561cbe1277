// What format_value and parse_value agree on: which types are text, where a member's bits are, how a scalar looks.
//
// Internal to btf/.
#pragma once

#include <string>

#include <libminibpf/btf/btf.hpp>

namespace minibpf::btf {

/// The type whose values `id` has: behind typedefs and qualifiers, and behind a VAR.
TypeId value_type(const Btf& btf, TypeId id);

/// Whether the type is C's plain `char`: text. `signed char` and `unsigned char` (s8, u8) are numbers.
bool is_char(const Btf& btf, TypeId id);

/// A member's place in its struct, with both ways in which BTF has said "bit-field" made one.
struct Field {
    TypeId type = 0;
    std::uint64_t bit_offset = 0;
    std::uint32_t bit_size = 0;  ///< 0: whole bytes; else 1 to 64
};
Field field_of(const Btf& btf, const Member& member);

/// An integer, enum, pointer or float; `bytes` are exactly the type's size.
std::string scalar_text(const Btf& btf, const Type& type, ByteView bytes);

std::string bit_field_text(const Btf& btf, const Field& field, std::uint64_t bits);

}  // namespace minibpf::btf
