// The names of a BTF's types, hashed. Internal to btf/.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <libminibpf/btf/btf.hpp>

namespace minibpf::btf {

/// A hash table with chains, in two arrays: `heads_` by hash, and the entries, each with the index of the next one.
///
/// Types and functions have a table each, for functions are half of a kernel's types and CO-RE asks for none of them.
class NameIndex {
public:
    explicit NameIndex(std::size_t type_section_bytes);

    /// Of this BTF's types without its base's. `name_offset` lies in `strings`.
    void add(ByteView strings, std::uint32_t name_offset, TypeId id);

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

    std::vector<std::uint32_t> heads_;
    std::vector<Entry> entries_;
};

/// The names that are going to be asked for, and the types that have them, found in the walk through all types. A
/// filter of 1024 bits, by the first four bytes of a name, turns away nearly all others in a few instructions; so the
/// walk costs little more than stepping from record to record.
class ExpectedTypes {
public:
    explicit ExpectedTypes(std::span<const ExpectedName> names);

    /// A bit for each kind in which there is anything to be found.
    std::uint32_t kinds() const noexcept { return kinds_; }
    /// Whether a name that begins with these bytes may be one of them.
    bool may_be(std::uint32_t first_bytes) const noexcept {
        const std::uint32_t bit = filter_bit(first_bytes);
        return (filter_[bit / 64] >> bit % 64 & 1) != 0;
    }
    void note(Kind kind, std::string_view name, TypeId id);

    /// The types of that kind and essential name, in their order; null when the name was not expected.
    const std::vector<TypeId>* find(Kind kind, std::string_view essential_name) const;

private:
    static std::uint32_t filter_bit(std::uint32_t first_bytes) noexcept { return first_bytes * 0x9e3779b1u >> 22; }

    std::uint32_t kinds_ = 0;
    std::array<std::uint64_t, 16> filter_{};
    std::array<std::map<std::string, std::vector<TypeId>, std::less<>>, 20> found_;  // by enum_alike(kind)
};

/// ENUM for ENUM64, which is the same with larger values.
constexpr Kind enum_alike(Kind kind) noexcept {
    return kind == Kind::enum64 ? Kind::enum_ : kind;
}

}  // namespace minibpf::btf
