// The number that a relocation of some kind stands for, computed from an access against one BTF. Done for the object's
// BTF it says what the compiler wrote into the instruction, done for the kernel's what has to be there.
//
// Internal to relocate/.
#pragma once

#include <cstdint>

#include <libminibpf/relocate/core_access.hpp>

namespace minibpf::core {

struct Value {
    std::uint64_t number = 0;
    /// Whether the instruction must hold the local number. Compilers choose for themselves how to load a bit-field, and
    /// linkers number types anew.
    bool is_checked = true;
    bool is_signed = false;  ///< an enumerator of an enum that says so
    /// An enumerator of 2^31 or more in an ENUM that does not say whether it is signed; `number` is not sign-extended.
    bool is_sign_unknown = false;
    /// field_byte_offset, but not of a bit-field: what is there, for an instruction that loads or stores it.
    std::uint32_t bytes = 0;
    btf::TypeId type = 0;  ///< modifiers stripped
};

/// Of an access that was found. Throws Error for what has no value: the shifts of an array's element, a bit-field that
/// no load of 8 bytes covers, the size of a type without one.
Value value_of(CoreKind kind, const Access& access);

/// Of one that was not, where "no" is an answer: 0. Whether it is one for this kind: else the instruction is poisoned.
/// (type_id_target too is 0 for a type that the kernel lacks, as no type has that number.)
constexpr bool has_value_if_missing(CoreKind kind) noexcept {
    return is_about_type(kind) || kind == CoreKind::field_exists || kind == CoreKind::enumval_exists;
}

}  // namespace minibpf::core
