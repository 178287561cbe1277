// The rows that attr_fields.hpp's functions walk over: which fields each bpf(2) command has.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include <libminibpf/kernel/encode.hpp>
#include <libminibpf/narrate/names.hpp>
#include <libminibpf/narrate/strace_version.hpp>

namespace minibpf {

/// How strace prints a field.
enum class FieldFormat {
    number,          ///< unsigned
    descriptor,      ///< signed: -1 is shown as -1
    hex,             ///< 0x1234, and 0
    address,         ///< 0x7ffd82e9286c, and NULL
    enumeration,     ///< one of a table
    flags,           ///< a sum from a table
    name,            ///< characters in the attr itself
    string,          ///< a pointer to characters, cut after 32
    path,            ///< a pointer to characters, whole
    log,             ///< a pointer to the log buffer, shown as the string in it
    btf,             ///< a pointer to the BTF, shown as bytes
    kernel_version,  ///< KERNEL_VERSION(6, 1, 0)
    interface,       ///< if_nametoindex("lo"), and 0
    numa_node,       ///< has a name for -1 only
    strings,         ///< a pointer to pointers to characters
    hex_numbers,     ///< a pointer to 64-bit numbers
    iter_infos,      ///< a pointer to `union bpf_iter_link_info`, which strace takes for an array
};

/// One row: a field of `union bpf_attr`.
struct AttrField {
    std::string_view name;
    std::size_t offset;
    std::size_t width;
    FieldFormat format;
    std::string_view meaning;
    const NameTable* names = nullptr;
    StraceVersion since = StraceVersion::v6_1;
    std::size_t count_at = 0;  ///< of an array: where in the attr the number of its elements lies
};

/// In the order in which strace prints them.
using FieldTable = std::span<const AttrField>;

/// The fields of one call.
struct AttrLayout {
    FieldTable fields;
    FieldTable variant;             ///< those that depend on another field
    std::size_t known_end_6_1 = 0;  ///< strace 6.1 knows no field behind this offset
    std::size_t known_end_7_2 = 0;

    std::size_t known_end(StraceVersion version) const noexcept {
        return version >= StraceVersion::v7_2 ? known_end_7_2 : known_end_6_1;
    }
};

AttrLayout layout_of(const EncodedBpf& call, StraceVersion version);

}  // namespace minibpf
