// When a local type and a type of the kernel are the same for CO-RE. There are three questions, from lenient to strict;
// all of them look through typedefs and qualifiers, and take two types for different as soon as it would be wrong to
// read the one as the other.
//
//     fields_are_compatible   may an access to a member of this type go to that one?   (field relocations)
//     types_are_compatible    is this type, whose name fits, that one?                 (type_exists, type_size, ...)
//     types_match             has that type all that this one has?                     (type_matches)
//
// Internal to relocate/.
#pragma once

#include <cstdint>
#include <optional>

#include <libminibpf/btf/btf.hpp>

namespace minibpf::core {

struct TypeRef {
    const btf::Btf* btf = nullptr;
    btf::TypeId id = 0;
};

/// Btf::size_of() of a type at hand, which looks nothing up for most.
std::optional<std::uint64_t> size_of(const btf::Btf& btf, const btf::Type& type);

/// ENUM and ENUM64 stand for each other: a kernel's enum grows to 64 bits when its first large value comes.
constexpr bool is_enum(btf::Kind kind) noexcept {
    return kind == btf::Kind::enum_ || kind == btf::Kind::enum64;
}
constexpr bool is_composite(btf::Kind kind) noexcept {
    return kind == btf::Kind::struct_ || kind == btf::Kind::union_;
}
constexpr bool kinds_are_compatible(btf::Kind local, btf::Kind target) noexcept {
    return local == target || (is_enum(local) && is_enum(target));
}

/// Structs and unions are all alike, for their members are compared when an access goes into them; so are pointers, and
/// integers of any size and sign. Enums and forward declarations go by name, arrays by their elements.
bool fields_are_compatible(TypeRef local, TypeRef target);

/// Of the same kind, all the way through pointers and arrays to the type at the end; structs and enums are not looked
/// into. Throws Error for types nested deeper than 32.
bool types_are_compatible(TypeRef local, TypeRef target);

/// The target has every member and enumerator of the local type, of matching types; behind a pointer names are enough.
/// Throws Error for types nested deeper than 32.
bool types_match(TypeRef local, TypeRef target);

/// Counts the work that hostile types make: nested in one another they multiply.
class WorkLimit {
public:
    /// Throws Error when it comes to too much.
    void spend(std::uint32_t steps = 1);

private:
    std::uint32_t left_ = 1u << 22;  // type_matches of a whole task_struct takes some 100,000
};

}  // namespace minibpf::core
