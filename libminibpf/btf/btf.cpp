// Looking into BTF: views of types and of what follows them, lookups by name, sizes, and the fix-ups of DATASECs.
//
// Btf::parse() (btf_parse.cpp) has checked everything that is read here.
#include <libminibpf/btf/btf.hpp>

#include <algorithm>
#include <cassert>

#include <fmt/format.h>

#include <libminibpf/base/error.hpp>
#include <libminibpf/btf/kinds.hpp>

namespace minibpf::btf {

namespace {

// The i-th entry of a payload that is an array of kernel structs.
template <class Entry>
Entry entry_at(const Type& type, std::uint32_t i) {
    const std::optional<Entry> entry = read_at<Entry>(type.payload, std::size_t{i} * sizeof(Entry));
    assert(entry && "a payload of the wrong kind");
    return *entry;
}

// struct btf_enum64, which <linux/btf.h> has since Linux 6.0.
struct Enum64Entry {
    std::uint32_t name_off, val_lo32, val_hi32;
};

// "struct data_t" -> "data_t", if it begins with that word.
bool take_word(std::string_view& text, std::string_view word) {
    if (!text.starts_with(word) || text.size() == word.size() || text[word.size()] != ' ') return false;
    text.remove_prefix(std::min(text.find_first_not_of(' ', word.size()), text.size()));
    return true;
}

}  // namespace

std::string_view kind_name(Kind kind) noexcept {
    const auto index = static_cast<std::size_t>(kind);
    return index < kind_count ? kind_shapes[index].name : "UNKNOWN";
}

// Types are of different lengths, so from the noted one it goes on by steps. Every record is known to lie in the
// section.
std::size_t Btf::record_offset_in_stride(TypeId id) const {
    const std::uint32_t i = id - first_id_;
    std::size_t offset = types_offset_ + offsets_[i >> stride_shift_];
    const std::byte* const bytes = raw().data();
    for (std::uint32_t steps = i & ((1u << stride_shift_) - 1); steps > 0; --steps) {
        std::uint32_t info;
        std::memcpy(&info, bytes + offset + offsetof(btf_type, info), sizeof info);
        offset += type_bytes + payload_bytes(kind_of_info(info), vlen_of_info(info));
    }
    return offset;
}

void Btf::throw_no_type(TypeId id) const {
    throw_malformed(fmt::format("BTF has no type {}, the last is {}", id, last_id()));
}

void Btf::throw_no_string(std::uint32_t offset) const {
    throw_malformed(
        fmt::format("BTF has no string at {}, it has {} bytes of strings", offset, strings_base_ + strings_size_));
}

Type Btf::type(TypeId id) const {
    if (id == 0) return {.name = "void"};
    const std::byte* const record = record_at(id);
    btf_type head;
    std::memcpy(&head, record, sizeof head);
    const Kind kind = kind_of_info(head.info);
    const std::uint32_t vlen = vlen_of_info(head.info);
    return {.id = id,
            .kind = kind,
            .name = string(head.name_off),
            .vlen = vlen,
            .kind_flag = kind_flag_of_info(head.info),
            .size_or_type = head.size,
            .payload = ByteView(record + type_bytes, payload_bytes(kind, vlen))};
}

std::string_view Btf::string(std::uint32_t offset) const {
    if (offset == 0) return {};  // most members of anonymous structs, parameters, pointers
    if (offset < strings_base_) return base_->string(offset);
    const std::optional<std::string_view> text = string_at(strings(), offset - strings_base_);
    if (!text) throw_no_string(offset);
    return *text;
}

Member Btf::member(const Type& type, std::uint32_t i) const {
    const auto entry = entry_at<btf_member>(type, i);
    // With the kind flag, the upper 8 bits of `offset` are the size of a bit-field (Linux 5.0).
    return {.name = string(entry.name_off),
            .type = entry.type,
            .bit_offset = type.kind_flag ? BTF_MEMBER_BIT_OFFSET(entry.offset) : entry.offset,
            .bit_size = type.kind_flag ? BTF_MEMBER_BITFIELD_SIZE(entry.offset) : 0};
}

std::vector<Member> Btf::members(const Type& type) const {
    assert(type.kind == Kind::struct_ || type.kind == Kind::union_);
    std::vector<Member> members(type.vlen);
    for (std::uint32_t i = 0; i < type.vlen; ++i) members[i] = member(type, i);
    return members;
}

Enumerator Btf::enumerator(const Type& type, std::uint32_t i) const {
    if (type.kind == Kind::enum64) {
        const auto entry = entry_at<Enum64Entry>(type, i);
        return {string(entry.name_off), std::uint64_t{entry.val_hi32} << 32 | entry.val_lo32};
    }
    const auto entry = entry_at<btf_enum>(type, i);
    const auto value = static_cast<std::uint32_t>(entry.val);
    const auto extended = static_cast<std::uint64_t>(std::int64_t{entry.val});
    return {string(entry.name_off), type.kind_flag ? extended : value};
}

std::vector<Enumerator> Btf::enumerators(const Type& type) const {
    assert(type.kind == Kind::enum_ || type.kind == Kind::enum64);
    std::vector<Enumerator> enumerators(type.vlen);
    for (std::uint32_t i = 0; i < type.vlen; ++i) enumerators[i] = enumerator(type, i);
    return enumerators;
}

std::vector<Param> Btf::params(const Type& type) const {
    assert(type.kind == Kind::func_proto);
    std::vector<Param> params(type.vlen);
    for (std::uint32_t i = 0; i < type.vlen; ++i) {
        const auto entry = entry_at<btf_param>(type, i);
        params[i] = {string(entry.name_off), entry.type};
    }
    return params;
}

SectionVar Btf::section_var(const Type& type, std::uint32_t i) const {
    assert(type.kind == Kind::datasec);
    const auto entry = entry_at<btf_var_secinfo>(type, i);
    return {entry.type, entry.offset, entry.size};
}

std::vector<SectionVar> Btf::section_vars(const Type& type) const {
    std::vector<SectionVar> vars(type.vlen);
    for (std::uint32_t i = 0; i < type.vlen; ++i) vars[i] = section_var(type, i);
    return vars;
}

IntEncoding Btf::int_encoding(const Type& type) const {
    assert(type.kind == Kind::int_);
    const auto word = entry_at<std::uint32_t>(type, 0);
    const std::uint32_t encoding = BTF_INT_ENCODING(word);
    return {.is_signed = (encoding & BTF_INT_SIGNED) != 0,
            .is_char = (encoding & BTF_INT_CHAR) != 0,
            .is_bool = (encoding & BTF_INT_BOOL) != 0,
            .bit_offset = BTF_INT_OFFSET(word),
            .bits = BTF_INT_BITS(word)};
}

ArrayInfo Btf::array(const Type& type) const {
    assert(type.kind == Kind::array);
    const auto entry = entry_at<btf_array>(type, 0);
    return {.element = entry.type, .index = entry.index_type, .count = entry.nelems};
}

std::uint32_t Btf::find_entry(const Type& type, std::uint32_t from, std::string_view prefix) const {
    const std::size_t entry_bytes = kind_shapes[static_cast<std::size_t>(type.kind)].entry_bytes;
    assert(entry_bytes >= sizeof(std::uint32_t) && type.payload.size() >= entry_bytes * type.vlen);
    const ByteView text = strings();
    const std::byte* entry = type.payload.data() + from * entry_bytes;
    for (std::uint32_t i = from; i < type.vlen; ++i, entry += entry_bytes) {
        std::uint32_t name_offset;  // the first word of a btf_member, btf_enum, btf_enum64
        std::memcpy(&name_offset, entry, sizeof name_offset);
        if (name_offset == 0) return i;
        const std::size_t at = name_offset - strings_base_;
        if (name_offset < strings_base_ || at >= text.size() || text.size() - at < prefix.size()) {
            const std::string_view name = string(name_offset);  // the base's, or one that does not exist
            if (name.empty() || name.starts_with(prefix)) return i;
            continue;
        }
        const char* name = reinterpret_cast<const char*>(text.data()) + at;
        if (*name == '\0' || prefix.empty()) return i;
        if (*name == prefix.front() && std::string_view(name, prefix.size()) == prefix) return i;
    }
    return type.vlen;
}

std::optional<TypeId> Btf::find_named(std::string_view name) const {
    if (take_word(name, "struct")) return find(Kind::struct_, name);
    if (take_word(name, "union")) return find(Kind::union_, name);
    if (take_word(name, "enum")) {
        const std::optional<TypeId> id = find(Kind::enum_, name);
        return id ? id : find(Kind::enum64, name);
    }
    constexpr Kind kinds[] = {Kind::int_,     Kind::struct_, Kind::union_, Kind::enum_,
                              Kind::typedef_, Kind::float_,  Kind::enum64};
    if (name.empty()) return std::nullopt;
    for (TypeId id = 1; id <= last_id(); ++id) {
        const Type candidate = type(id);
        if (candidate.name == name && std::ranges::find(kinds, candidate.kind) != std::end(kinds)) return id;
    }
    return std::nullopt;
}

TypeId Btf::strip_modifiers(TypeId id) const {
    for (int step = 0; step < longest_chain; ++step) {
        if (!is_modifier(kind(id))) return id;
        id = target(id);
    }
    return 0;
}

std::optional<std::uint64_t> Btf::size_of(TypeId id) const {
    constexpr std::uint64_t pointer_bytes = 8;  // BPF is a 64-bit machine wherever it runs
    std::uint64_t count = 1;                    // of elements, over all the arrays on the way
    std::uint64_t size = 0;
    for (int step = 0; step < longest_chain; ++step) {
        const Type current = type(id);
        switch (current.kind) {
            case Kind::int_:
            case Kind::struct_:
            case Kind::union_:
            case Kind::enum_:
            case Kind::enum64:
            case Kind::float_:
            case Kind::datasec:
                if (__builtin_mul_overflow(count, current.size(), &size)) return std::nullopt;
                return size;
            case Kind::ptr:
                if (__builtin_mul_overflow(count, pointer_bytes, &size)) return std::nullopt;
                return size;
            case Kind::array:
                if (__builtin_mul_overflow(count, array(current).count, &count)) return std::nullopt;
                id = array(current).element;
                break;
            default:
                if (!is_modifier(current.kind) && current.kind != Kind::var) return std::nullopt;
                id = current.target();
        }
    }
    return std::nullopt;
}

}  // namespace minibpf::btf
