// Accesses: the way from a type to a member of a member of its member, read against one BTF.
//
//     struct sample {                 "0:1:2:3" is  sample->a[3]:
//         int first;
//         struct {                        0      the sample that is pointed to, not one after it
//             int x, y;                   1:2    its second member, which has no name, and the third member of that
//             int a[7];                   3      element 3
//         };
//     };                              steps: [0] .a [3]
//
// Only what has a name can be found again in another kernel: members without names are not steps of their own, for they
// come and go when members are put into unions. Internal to relocate/.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <libminibpf/object/object_spec.hpp>
#include <libminibpf/relocate/core.hpp>
#include <libminibpf/relocate/core_types.hpp>

namespace minibpf::core {

// Three families of kinds: what a relocation asks about decides how its access is read.
constexpr bool is_about_field(CoreKind kind) noexcept {
    return kind <= CoreKind::field_rshift_u64;
}
constexpr bool is_about_enumerator(CoreKind kind) noexcept {
    return kind == CoreKind::enumval_exists || kind == CoreKind::enumval_value;
}
constexpr bool is_about_type(CoreKind kind) noexcept {
    return !is_about_field(kind) && !is_about_enumerator(kind) && kind <= CoreKind::type_matches;
}

struct Step {
    btf::TypeId within = 0;      ///< a member, an enumerator: the struct, union or enum that has it
    std::uint32_t index = 0;     ///< of the member, enumerator or element
    std::string_view name;       ///< empty: an array's element, or the root
    btf::TypeId type = 0;        ///< a member's as it is written; an element's without modifiers
    std::uint32_t bit_size = 0;  ///< of a bit-field; else 0
};

struct Access {
    const btf::Btf* btf = nullptr;
    btf::TypeId root = 0;
    std::vector<Step> steps;       ///< none for relocations about types; one for enumerators
    std::uint64_t bit_offset = 0;  ///< of what the last step comes to, from the root
};

/// Reads a relocation's access against the object's own BTF. Throws Error for one that is malformed or leads out of its
/// types: an index past a struct's members, into a pointer, past an array's end.
Access read_access(const btf::Btf& local, const CoreRelocation& relocation);

/// Where a search in the kernel's type ended.
struct Found {
    CoreMiss miss = CoreMiss::nothing;
    std::uint8_t step = 0;  ///< of the local access: the one that was missed
    Access access;          ///< complete if nothing was missed
};

/// The same access in a type of the kernel. Throws Error where the kernel's types make no sense.
Found find_access(CoreKind kind, const Access& local, TypeRef target);

/// "struct task_struct", "struct task_struct.mm.pgd", "PIDTYPE_TGID of enum pid_type".
std::string access_text(const Access& access);

}  // namespace minibpf::core
