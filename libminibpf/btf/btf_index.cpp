// Finding types by name. For a kernel's BTF that means: one walk over 126,000 records, 3 MB, in which every name is
// hashed eight bytes at a time; then CO-RE asks for a type in a few dozen instructions.
//
//     heads_   | 0 | 3 | 0 | 1 | ...        by hash of the name, without its flavour (___x)
//                    |
//     entries_       +-> {id 512, next 2} -> {id 77, next 0}
#include <algorithm>
#include <array>
#include <bit>

#include <fmt/format.h>

#include <libminibpf/base/error.hpp>
#include <libminibpf/btf/kinds.hpp>
#include <libminibpf/btf/name_index.hpp>

namespace minibpf::btf {

namespace {

constexpr std::uint64_t low_bits = 0x0101010101010101;
constexpr std::uint64_t high_bits = 0x8080808080808080;

/// The high bit of each byte that is zero, exact for the lowest of them (Mycroft's test).
constexpr std::uint64_t zero_bytes(std::uint64_t word) noexcept {
    return (word - low_bits) & ~word & high_bits;
}

constexpr std::uint64_t mix(std::uint64_t hash, std::uint64_t word) noexcept {
    const std::uint64_t product = (hash ^ word) * 0x9e3779b97f4a7c15;
    return product ^ (product >> 29);
}

// What index() needs of kind_shapes, in two bytes for each kind.
struct RecordSize {
    std::uint8_t fixed = 0;  // struct btf_type included
    std::uint8_t entry = 0;
};

constexpr auto record_sizes = [] {
    std::array<RecordSize, 128> sizes{};
    for (std::size_t kind = 1; kind < kind_count; ++kind) {
        sizes[kind] = {static_cast<std::uint8_t>(type_bytes + kind_shapes[kind].fixed_bytes),
                       kind_shapes[kind].entry_bytes};
    }
    return sizes;
}();

/// Calls `visit(id, offset, type)` for each record of a type section; answers where it ended, which is not the
/// section's size if that ends within a record or has an unknown kind.
template <class Visit>
std::size_t walk(ByteView types, TypeId first_id, Visit visit) {
    std::size_t offset = 0;
    for (TypeId id = first_id; types.size() - offset >= type_bytes; ++id) {
        btf_type type;
        std::memcpy(&type, types.data() + offset, sizeof type);
        const RecordSize size = record_sizes[type.info >> 24 & 0x7f];
        const std::size_t bytes = size.fixed + std::size_t{size.entry} * vlen_of_info(type.info);
        if (size.fixed == 0 || bytes > types.size() - offset) break;
        visit(id, offset, type);
        offset += bytes;
    }
    return offset;
}

}  // namespace

// libbpf's rule (bpf_core_essential_name_len()): exactly three underscores, something before and something behind them.
std::string_view essential_name(std::string_view name) noexcept {
    for (std::size_t at = name.rfind("___"); at != std::string_view::npos && at > 0; at = name.rfind("___", at - 1)) {
        if (name[at - 1] != '_' && at + 3 < name.size() && name[at + 3] != '_') return name.substr(0, at);
    }
    return name;
}

NameIndex::NameIndex(std::size_t type_section_bytes, bool of_functions) : of_functions_(of_functions) {
    // In kernels there is a named type, or a function, in about 100 bytes of type section. What is reserved in vain is
    // address space and not memory.
    constexpr std::size_t bytes_for_each = 96;
    entries_.reserve(type_section_bytes / bytes_for_each + 1);
    entries_.emplace_back();
    heads_.resize(std::bit_ceil(type_section_bytes / bytes_for_each / 2 + 1));
}

bool NameIndex::wants(std::uint32_t info, bool functions) noexcept {
    constexpr auto bit = [](Kind kind) { return 1u << static_cast<unsigned>(kind); };
    constexpr std::uint32_t types = bit(Kind::int_) | bit(Kind::struct_) | bit(Kind::union_) | bit(Kind::enum_) |
                                    bit(Kind::fwd) | bit(Kind::typedef_) | bit(Kind::var) | bit(Kind::datasec) |
                                    bit(Kind::float_) | bit(Kind::enum64);
    const std::uint32_t kinds = functions ? bit(Kind::func) : types;
    return (kinds >> static_cast<unsigned>(kind_of_info(info)) & 1) != 0;
}

std::uint64_t NameIndex::hash(std::string_view name) noexcept {
    std::uint64_t sum = 0;
    for (std::size_t at = 0; at < name.size(); at += sizeof(std::uint64_t)) {
        std::uint64_t word = 0;
        std::memcpy(&word, name.data() + at, std::min(sizeof word, name.size() - at));
        sum = mix(sum, word);
    }
    return sum;
}

// The hash of the essential name of a string whose length is not known. On a little-endian machine the bytes before the
// NUL are the low ones of the word. Whatever is out of the ordinary (the end of the section, a name with "__" in it,
// which may be the beginning of a flavour) is left to the other one.
std::uint64_t NameIndex::hash(ByteView strings, std::uint32_t offset) noexcept {
    constexpr std::uint64_t underscores = low_bits * '_';
    std::uint64_t sum = 0;
    std::size_t at = offset;
    bool ordinary = std::endian::native == std::endian::little;
    while (ordinary && at + sizeof(std::uint64_t) <= strings.size()) {
        std::uint64_t word;
        std::memcpy(&word, strings.data() + at, sizeof word);
        const std::uint64_t end = zero_bytes(word);
        const std::uint64_t marks = zero_bytes(word ^ underscores);
        if ((marks & (marks >> 8)) != 0) break;
        if (end != 0) {
            const int bits = std::countr_zero(end) - 7;  // of the name's last bytes, a multiple of 8
            return bits == 0 ? sum : mix(sum, word & ((std::uint64_t{1} << bits) - 1));
        }
        sum = mix(sum, word);
        at += sizeof word;
    }
    const auto name = string_at(strings, offset);
    return name ? hash(essential_name(*name)) : 0;
}

void NameIndex::add(ByteView strings, std::uint32_t name_offset, TypeId id) {
    std::uint32_t& head = heads_[hash(strings, name_offset) & mask()];
    entries_.push_back({.id = id, .next = head});
    head = static_cast<std::uint32_t>(entries_.size() - 1);
}

Btf Btf::index(ByteView raw, std::string_view where, const Btf* base) {
    constexpr std::uint32_t stride_shift = 3;
    Btf btf;
    btf.borrowed_ = raw;
    btf.set_layout(read_layout(raw, where), base);
    btf.stride_shift_ = stride_shift;
    const ByteView types = raw.subspan(btf.types_offset_, btf.types_size_);
    const ByteView strings = btf.strings();
    const std::uint32_t strings_base = btf.strings_base_;
    // Half of a kernel's records are functions of 12 bytes; on the average a record has 26.
    btf.offsets_.reserve(types.size() / type_bytes >> stride_shift);
    auto names = std::make_shared<NameIndex>(types.size(), false);
    const TypeId first_id = btf.first_id_;
    TypeId next_id = first_id;
    const std::size_t end = walk(types, first_id, [&](TypeId id, std::size_t offset, const btf_type& type) {
        if (((id - first_id) & ((1u << stride_shift) - 1)) == 0) {
            btf.offsets_.push_back(static_cast<std::uint32_t>(offset));
        }
        if (NameIndex::wants(type.info, false) && type.name_off >= strings_base && type.name_off != 0) {
            names->add(strings, type.name_off - strings_base, id);
        }
        next_id = id + 1;
    });
    if (end != types.size()) {
        throw_malformed(fmt::format("{}: type {}, at offset {} of the type section, is cut off or of an unknown kind",
                                    where, next_id, end));
    }
    btf.type_count_ = next_id - first_id;
    btf.names_ = std::move(names);
    return btf;
}

std::shared_ptr<const NameIndex> Btf::names_of(bool functions) const {
    auto names = std::make_shared<NameIndex>(types_size_, functions);
    const ByteView types = raw().subspan(types_offset_, types_size_);
    walk(types, first_id_, [&](TypeId id, std::size_t, const btf_type& type) {
        if (NameIndex::wants(type.info, functions) && type.name_off >= strings_base_ && type.name_off != 0) {
            names->add(strings(), type.name_off - strings_base_, id);
        }
    });
    return names;
}

const NameIndex& Btf::names(bool functions) const {
    std::shared_ptr<const NameIndex>& names = functions ? function_names_ : names_;
    if (!names) names = names_of(functions);
    return *names;
}

std::vector<TypeId> Btf::find_essential(std::string_view name) const {
    std::vector<TypeId> found;
    names(false).for_each_candidate(name, [&](TypeId id) {
        if (essential_name(type(id).name) == name) found.push_back(id);
    });
    std::reverse(found.begin(), found.end());
    return found;
}

std::optional<TypeId> Btf::find(Kind kind, std::string_view name) const {
    if (base_ != nullptr) {
        if (const auto inherited = base_->find(kind, name)) return inherited;
    }
    constexpr TypeId few = 256;  // a hash would not pay: the BTF of an object
    if (type_count_ <= few && !names_) {
        for (TypeId id = first_id_; id <= last_id(); ++id) {
            const Type candidate = type(id);
            if (candidate.kind == kind && candidate.name == name) return id;
        }
        return std::nullopt;
    }
    std::optional<TypeId> first;
    names(kind == Kind::func).for_each_candidate(essential_name(name), [&](TypeId id) {
        const Type candidate = type(id);
        if (candidate.kind == kind && candidate.name == name) first = id;  // the last visited has the lowest number
    });
    return first;
}

}  // namespace minibpf::btf
