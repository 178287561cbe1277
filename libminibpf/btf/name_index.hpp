// The names of a BTF's types, hashed. Internal to btf/.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <libminibpf/btf/btf.hpp>

namespace minibpf::btf {

/// A hash table with chains, in two arrays: `heads_` by hash, and the entries, each with the index of the next one.
///
/// Functions are left out, for they are half of a kernel's types and CO-RE asks for none of them. Whoever wants one by
/// its name (fentry, kfuncs) gets a table of functions only.
class NameIndex {
public:
    NameIndex(std::size_t type_section_bytes, bool of_functions);

    /// Of this BTF's types without its base's. `name_offset` lies in `strings`.
    void add(ByteView strings, std::uint32_t name_offset, TypeId id);
    bool is_of_functions() const noexcept { return of_functions_; }
    static bool wants(std::uint32_t info, bool functions) noexcept;

    /// Calls `visit(id)` for types whose name may be the one that is looked for: those of the same hash, newest first.
    template <class Visit>
    void for_each_candidate(std::string_view name, Visit visit) const {
        for (std::uint32_t at = heads_[hash(name) & mask()]; at != 0; at = entries_[at].next) visit(entries_[at].id);
    }

private:
    struct Entry {
        TypeId id = 0;
        std::uint32_t next = 0;  // 0: none; entry 0 is unused
    };

    static std::uint64_t hash(std::string_view name) noexcept;
    static std::uint64_t hash(ByteView strings, std::uint32_t offset) noexcept;
    std::size_t mask() const noexcept { return heads_.size() - 1; }

    bool of_functions_;
    std::vector<std::uint32_t> heads_;
    std::vector<Entry> entries_;
};

}  // namespace minibpf::btf
