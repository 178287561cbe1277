// Finding types by name. For a kernel's BTF that means one walk over 126,000 records, 3 MB, which looks out for the
// names that are going to be asked for. A name that nobody announced has all of them hashed, eight bytes at a time:
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

constexpr std::uint32_t bit(Kind kind) noexcept {
    return 1u << static_cast<unsigned>(kind);
}

constexpr std::uint32_t named_types = bit(Kind::int_) | bit(Kind::struct_) | bit(Kind::union_) | bit(Kind::enum_) |
                                      bit(Kind::fwd) | bit(Kind::typedef_) | bit(Kind::var) | bit(Kind::datasec) |
                                      bit(Kind::float_) | bit(Kind::enum64);

constexpr std::uint32_t stride_shift = 3;
constexpr std::size_t stride = std::size_t{1} << stride_shift;

// What a walk needs of kind_shapes, and of its caller, in four bytes for each kind.
struct Row {
    std::uint8_t fixed = 0;  // struct btf_type included; 0: an unknown kind
    std::uint8_t entry = 0;
    bool stops = true;  // the record is one of those asked for, or of an unknown kind
    std::uint8_t unused = 0;
};
using Rows = std::array<Row, 128>;

constexpr Rows all_rows = [] {
    Rows rows{};
    for (std::size_t kind = 1; kind < kind_count; ++kind) {
        rows[kind] = {.fixed = static_cast<std::uint8_t>(type_bytes + kind_shapes[kind].fixed_bytes),
                      .entry = kind_shapes[kind].entry_bytes};
    }
    return rows;
}();

std::uint32_t read_u32(const std::byte* at) noexcept {
    std::uint32_t value;
    std::memcpy(&value, at, sizeof value);
    return value;
}

struct Record {
    Kind kind;
    std::uint32_t name_offset;
    std::uint32_t index;  // the first record's is 0
};

// Where a walk ended: at the end of the section, or in a record that is cut off or of an unknown kind.
struct WalkEnd {
    std::size_t offset = 0;
    std::uint32_t count = 0;  // of records before `offset`
};

/// Calls visit(Record) for the records of these kinds, and at_stride(offset) for every `stride`th record of any kind.
/// A kernel has 126,000 records, so the inner loop looks at each no more than it must, and has nothing else in it:
/// whether a record was whole shows in where the next one begins.
template <class Visit, class AtStride>
WalkEnd walk_records(ByteView types, std::uint32_t kinds, Visit visit, AtStride at_stride) {
    Rows rows = all_rows;
    for (std::size_t kind = 1; kind < kind_count; ++kind) rows[kind].stops = (kinds >> kind & 1) != 0;
    const std::byte* const records = types.data();
    const std::size_t size = types.size();
    if (size < type_bytes) return {};
    const std::size_t last = size - type_bytes;
    WalkEnd at;
    while (at.offset <= last) {
        at_stride(at.offset);
        struct Stop {
            std::size_t offset, next;
            std::uint32_t index;
        };
        std::array<Stop, stride> stops;
        std::size_t stop_count = 0;
        std::size_t offset = at.offset;
        std::uint32_t i = 0;
        for (; i < stride && offset <= last; ++i) {
            const std::uint32_t info = read_u32(records + offset + offsetof(btf_type, info));
            const Row& row = rows[static_cast<std::size_t>(kind_of_info(info))];
            const std::size_t next = offset + row.fixed + std::size_t{row.entry} * vlen_of_info(info);
            if (row.stops) stops[stop_count++] = {.offset = offset, .next = next, .index = at.count + i};
            offset = next;
        }
        for (const Stop& stop : std::span(stops).first(stop_count)) {
            if (stop.next == stop.offset || stop.next > size) return {.offset = stop.offset, .count = stop.index};
            const std::byte* const record = records + stop.offset;
            visit(Record{.kind = kind_of_info(read_u32(record + offsetof(btf_type, info))),
                         .name_offset = read_u32(record + offsetof(btf_type, name_off)),
                         .index = stop.index});
        }
        at = {.offset = offset, .count = at.count + i};
    }
    return at;
}

// What is wrong with a section in which a walk did not end at its end.
std::string walk_fault(WalkEnd at, TypeId first, std::size_t size) {
    if (at.offset > size) {
        return fmt::format("type {} would end at offset {} of the type section, which has {} bytes",
                           first + at.count - 1, at.offset, size);
    }
    return fmt::format("type {}, at offset {} of the type section, is cut off or of an unknown kind", first + at.count,
                       at.offset);
}

}  // namespace

// libbpf's rule (bpf_core_essential_name_len()): exactly three underscores, something before and something behind them.
std::string_view essential_name(std::string_view name) noexcept {
    for (std::size_t at = name.rfind("___"); at != std::string_view::npos && at > 0; at = name.rfind("___", at - 1)) {
        if (name[at - 1] != '_' && at + 3 < name.size() && name[at + 3] != '_') return name.substr(0, at);
    }
    return name;
}

NameIndex::NameIndex(std::size_t type_section_bytes) {
    // In kernels there is a named type, or a function, in about 100 bytes of type section. What is reserved in vain is
    // address space and not memory.
    constexpr std::size_t bytes_for_each = 96;
    entries_.reserve(type_section_bytes / bytes_for_each + 1);
    entries_.emplace_back();
    heads_.resize(std::bit_ceil(type_section_bytes / bytes_for_each / 2 + 1));
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

ExpectedTypes::ExpectedTypes(std::span<const ExpectedName> names) {
    for (const ExpectedName& expected : names) {
        const Kind kind = enum_alike(expected.kind);
        kinds_ |= bit(kind) | (kind == Kind::enum_ ? bit(Kind::enum64) : 0);
        found_[static_cast<std::size_t>(kind)].try_emplace(expected.name);
        std::uint32_t first_bytes;
        if (expected.name.size() < sizeof first_bytes) {
            filter_.fill(~std::uint64_t{0});  // the first four bytes of such a short name have another one's in them
            continue;
        }
        std::memcpy(&first_bytes, expected.name.data(), sizeof first_bytes);
        const std::uint32_t bit = filter_bit(first_bytes);
        filter_[bit / 64] |= std::uint64_t{1} << bit % 64;
    }
}

void ExpectedTypes::note(Kind kind, std::string_view name, TypeId id) {
    auto& names = found_[static_cast<std::size_t>(enum_alike(kind))];
    const auto expected = names.find(essential_name(name));
    if (expected != names.end()) expected->second.push_back(id);
}

const std::vector<TypeId>* ExpectedTypes::find(Kind kind, std::string_view name) const {
    const auto& names = found_[static_cast<std::size_t>(enum_alike(kind))];
    const auto found = names.find(name);
    return found == names.end() ? nullptr : &found->second;
}

namespace {

/// Looks at the first four bytes of a name, by its offset.
class NameFilter {
public:
    NameFilter(const ExpectedTypes& expected, ByteView strings, std::uint32_t base) noexcept
        : expected_(expected), strings_(strings), base_(base) {}

    bool may_be_expected(std::uint32_t name_offset) const noexcept {
        const std::size_t at = std::size_t{name_offset} - base_;  // huge for a name of the base's
        std::uint32_t first_bytes;
        if (at >= strings_.size() || strings_.size() - at < sizeof first_bytes) return at < strings_.size();
        std::memcpy(&first_bytes, strings_.data() + at, sizeof first_bytes);
        return expected_.may_be(first_bytes);
    }
    std::string_view name(std::uint32_t name_offset) const noexcept {
        return string_at(strings_, name_offset - base_).value_or("");
    }

private:
    const ExpectedTypes& expected_;
    ByteView strings_;
    std::uint32_t base_;
};

}  // namespace

Btf Btf::index(ByteView raw, std::string_view where, const Btf* base, std::span<const ExpectedName> names) {
    Btf btf;
    btf.borrowed_ = raw;
    btf.set_layout(read_layout(raw, where), base);
    btf.stride_shift_ = stride_shift;
    auto expected = std::make_shared<ExpectedTypes>(names);
    const NameFilter filter(*expected, btf.strings(), btf.strings_base_);
    const ByteView types = raw.subspan(btf.types_offset_, btf.types_size_);
    const std::size_t most = (types.size() / type_bytes >> stride_shift) + 1;
    const auto offsets = std::make_unique_for_overwrite<std::uint32_t[]>(most);
    std::uint32_t* next_offset = offsets.get();
    const WalkEnd end = walk_records(
        types, expected->kinds(),
        [&](const Record& record) {
            if (!filter.may_be_expected(record.name_offset)) return;
            expected->note(record.kind, filter.name(record.name_offset), btf.first_id_ + record.index);
        },
        [&](std::size_t offset) { *next_offset++ = static_cast<std::uint32_t>(offset); });
    if (end.offset != types.size()) {
        throw_malformed(fmt::format("{}: {}", where, walk_fault(end, btf.first_id_, types.size())));
    }
    btf.offsets_.assign(offsets.get(), next_offset);
    btf.type_count_ = end.count;
    btf.expected_ = std::move(expected);
    return btf;
}

std::shared_ptr<const NameIndex> Btf::names_of(bool functions) const {
    auto names = std::make_shared<NameIndex>(types_size_);
    walk_records(
        raw().subspan(types_offset_, types_size_), functions ? bit(Kind::func) : named_types,
        [&](const Record& record) {
            if (record.name_offset < strings_base_ || record.name_offset == 0) return;
            names->add(strings(), record.name_offset - strings_base_, first_id_ + record.index);
        },
        [](std::size_t) {});
    return names;
}

const NameIndex& Btf::names(bool functions) const {
    std::shared_ptr<const NameIndex>& names = functions ? function_names_ : names_;
    if (!names) names = names_of(functions);
    return *names;
}

std::vector<TypeId> Btf::find_essential(Kind kind, std::string_view name) const {
    if (const std::vector<TypeId>* known = expected_ ? expected_->find(kind, name) : nullptr) return *known;
    std::vector<TypeId> found;
    names(kind == Kind::func).for_each_candidate(name, [&](TypeId id) {
        const Type candidate = type(id);
        if (enum_alike(candidate.kind) == enum_alike(kind) && essential_name(candidate.name) == name) {
            found.push_back(id);
        }
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
    if (const auto* known = expected_ ? expected_->find(kind, essential_name(name)) : nullptr) {
        const auto fits = [&](TypeId id) { return type(id).kind == kind && type(id).name == name; };
        const auto id = std::ranges::find_if(*known, fits);
        return id == known->end() ? std::nullopt : std::optional(*id);
    }
    std::optional<TypeId> first;
    names(kind == Kind::func).for_each_candidate(essential_name(name), [&](TypeId id) {
        const Type candidate = type(id);
        if (candidate.kind == kind && candidate.name == name) first = id;  // the last visited has the lowest number
    });
    return first;
}

}  // namespace minibpf::btf
