// Reading BTF: bytes come in, a Btf whose every offset, name and reference has been checked goes out.
//
// One pass over the type section notes where each type begins and checks it; that a reference may point forward, to a
// type not yet seen, is settled by remembering the largest one. A kernel's 126,000 types cost 15 million instructions
// this way, which is right for a file that anybody may have written; for what the running kernel says of itself there
// is index(), which only walks.
#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include <libminibpf/base/error.hpp>
#include <libminibpf/btf/kinds.hpp>

namespace minibpf::btf {

namespace {

// Linux 7.1 lengthened the header by the place of a "layout" section, which tells old readers how long unknown kinds
// are (struct btf_layout). We know every kind by ourselves and need it for nothing.
constexpr std::size_t known_header_bytes = sizeof(btf_header) + 8;

void check_magic(std::uint16_t magic, std::string_view where) {
    if (magic == BTF_MAGIC) return;
    if (magic == foreign_magic) {
        throw_malformed(fmt::format("{}: the BTF is of the other byte order ({}-endian)", where,
                                    std::endian::native == std::endian::little ? "big" : "little"),
                        "compile with clang -target bpf, which takes the byte order of this machine");
    }
    throw_malformed(fmt::format("{}: no BTF: it begins with {:#06x} instead of {:#06x}", where, magic, BTF_MAGIC));
}

btf_header read_header(ByteView raw, std::string_view where) {
    const std::optional<std::uint16_t> magic = read_at<std::uint16_t>(raw, 0);
    if (magic) check_magic(*magic, where);
    const std::optional<btf_header> header = read_at<btf_header>(raw, 0);
    if (!header) {
        throw_malformed(
            fmt::format("{}: {} bytes, too short for the {} of the BTF header", where, raw.size(), sizeof(btf_header)));
    }
    if (header->version != BTF_VERSION) {
        throw_malformed(fmt::format("{}: BTF version {}, known is {}", where, header->version, BTF_VERSION));
    }
    if (header->flags != 0) throw_malformed(fmt::format("{}: unknown BTF flags {:#x}", where, header->flags));
    if (header->hdr_len < sizeof(btf_header) || header->hdr_len > raw.size()) {
        throw_malformed(fmt::format("{}: the BTF header claims {} bytes, the input has {} and the least is {}", where,
                                    header->hdr_len, raw.size(), sizeof(btf_header)));
    }
    for (std::size_t i = known_header_bytes; i < header->hdr_len; ++i) {
        if (raw[i] != std::byte{0}) {
            throw_malformed(
                fmt::format("{}: the BTF header has a field at offset {} that is newer than this loader", where, i));
        }
    }
    return *header;
}

// Offset 0 is the empty name (for split BTF too: the base's), and the last NUL ends whatever string an offset falls
// into.
void check_strings(ByteView strings, bool is_split, std::string_view where) {
    if (strings.empty() && is_split) return;  // all its names are the base's
    if (strings.empty()) throw_malformed(fmt::format("{}: the BTF string section is empty", where));
    if (!is_split && strings.front() != std::byte{0}) {
        throw_malformed(fmt::format("{}: the BTF string section does not begin with the empty string", where),
                        "a module's BTF goes on where the kernel's ends, and makes no sense without it: give the "
                        "kernel's");
    }
    if (strings.back() != std::byte{0}) {
        throw_malformed(fmt::format("{}: the last string of the BTF string section has no NUL", where));
    }
}

std::uint32_t word_at(const std::byte* bytes) noexcept {
    std::uint32_t word;
    std::memcpy(&word, bytes, sizeof word);
    return word;
}

class TypeWalk {
public:
    TypeWalk(ByteView types, std::size_t string_bytes, TypeId first_id, std::string_view where)
        : types_(types), string_bytes_(string_bytes), first_id_(first_id), where_(where) {
        first_of_kind_.fill(~TypeId{0});
    }

    // The offset of each type within the type section.
    std::vector<std::uint32_t> run() {
        std::vector<std::uint32_t> offsets;
        offsets.reserve(types_.size() / type_bytes);
        id_ = first_id_;
        for (offset_ = 0; offset_ < types_.size(); ++id_) {
            offsets.push_back(static_cast<std::uint32_t>(offset_));
            offset_ += check_type();
        }
        if (largest_reference_ >= id_) {
            throw_malformed(fmt::format("{}: type {} refers to type {}, the last is {}", where_, referring_type_,
                                        largest_reference_, id_ - 1));
        }
        offsets.shrink_to_fit();
        return offsets;
    }

    const std::array<TypeId, kind_count>& first_of_kind() const noexcept { return first_of_kind_; }

private:
    // Answers how many bytes the type at offset_ takes.
    std::size_t check_type() {
        const ByteView rest = types_.subspan(offset_);
        if (rest.size() < type_bytes) fail("the type section ends within it");
        btf_type type;
        std::memcpy(&type, rest.data(), sizeof type);
        const Kind kind = kind_of_info(type.info);
        if (kind == Kind::void_ || static_cast<std::size_t>(kind) >= kind_count) {
            throw_malformed(fmt::format("{}: type {}, at offset {} of the type section, is of unknown kind {}", where_,
                                        id_, offset_, static_cast<unsigned>(kind)),
                            "a newer compiler wrote this BTF; an older one, or a newer loader, gets on");
        }
        TypeId& first = first_of_kind_[static_cast<std::size_t>(kind)];
        first = std::min(first, id_);
        const std::size_t payload_size = payload_bytes(kind, vlen_of_info(type.info));
        if (rest.size() - type_bytes < payload_size) {
            fail(fmt::format("{} needs {} bytes more than the type section has", kind_name(kind), payload_size));
        }
        check_name(type.name_off);
        if (kind_shapes[static_cast<std::size_t>(kind)].refers) note_reference(type.type);
        check_payload(kind, rest.subspan(type_bytes, payload_size));
        return type_bytes + payload_size;
    }

    void check_payload(Kind kind, ByteView payload) {
        if (kind == Kind::array) {
            note_reference(word_at(payload.data()));      // btf_array::type
            note_reference(word_at(payload.data() + 4));  // btf_array::index_type
        }
        const KindShape& shape = kind_shapes[static_cast<std::size_t>(kind)];
        if (shape.entry_bytes == 0) return;
        for (std::size_t i = 0; i < payload.size(); i += shape.entry_bytes) {
            const std::byte* entry = payload.data() + i;
            if (shape.entry_has_name) check_name(word_at(entry));
            if (shape.entry_type_at != nowhere) note_reference(word_at(entry + shape.entry_type_at));
        }
    }

    void check_name(std::uint32_t offset) const {
        if (offset >= string_bytes_) {
            fail(fmt::format("a name at {} lies outside the {} bytes of strings", offset, string_bytes_));
        }
    }

    void note_reference(TypeId target) noexcept {
        if (target <= largest_reference_) return;
        largest_reference_ = target;
        referring_type_ = id_;
    }

    [[noreturn]] void fail(std::string what) const {
        throw_malformed(fmt::format("{}: type {}, at offset {} of the type section: {}", where_, id_, offset_, what));
    }

    ByteView types_;
    std::size_t string_bytes_;  // the base's included
    TypeId first_id_;
    std::string_view where_;
    TypeId id_ = 0;
    std::size_t offset_ = 0;
    TypeId largest_reference_ = 0, referring_type_ = 0;
    std::array<TypeId, kind_count> first_of_kind_;
};

}  // namespace

Layout read_layout(ByteView raw, std::string_view where) {
    const btf_header header = read_header(raw, where);
    const std::size_t after_header = raw.size() - header.hdr_len;
    const auto check = [&](const char* name, std::size_t offset, std::size_t size) {
        if (offset > after_header || after_header - offset < size) {
            throw_malformed(
                fmt::format("{}: the BTF {} section ({} bytes at {}) reaches past the end, {} bytes follow "
                            "the header",
                            where, name, size, offset, after_header));
        }
    };
    check("type", header.type_off, header.type_len);
    check("string", header.str_off, header.str_len);
    if (header.type_off % 4 != 0) {
        throw_malformed(fmt::format("{}: the BTF type section is at {}, no multiple of 4", where, header.type_off));
    }
    // libbpf and the kernel ask for this order too.
    if (std::size_t{header.type_off} + header.type_len > header.str_off) {
        throw_malformed(fmt::format("{}: the BTF type section ({} bytes at {}) overlaps the strings at {}", where,
                                    header.type_len, header.type_off, header.str_off));
    }
    return {std::size_t{header.hdr_len} + header.type_off, header.type_len,
            std::size_t{header.hdr_len} + header.str_off, header.str_len};
}

Btf Btf::parse(Bytes raw, std::string_view where, const Btf* base) {
    Btf btf;
    btf.owned_ = std::move(raw);
    btf.set_layout(read_layout(btf.owned_, where), base);
    check_strings(btf.strings(), base != nullptr, where);
    const ByteView types = btf.raw().subspan(btf.types_offset_, btf.types_size_);
    TypeWalk walk(types, btf.strings_base_ + btf.strings_size_, btf.first_id_, where);
    btf.offsets_ = walk.run();
    btf.first_of_kind_ = walk.first_of_kind();
    btf.type_count_ = static_cast<std::uint32_t>(btf.offsets_.size());
    return btf;
}

void Btf::set_layout(const Layout& layout, const Btf* base) {
    types_offset_ = layout.types_offset;
    types_size_ = layout.types_size;
    strings_offset_ = layout.strings_offset;
    strings_size_ = layout.strings_size;
    base_ = base;
    if (base == nullptr) return;
    first_id_ = base->last_id() + 1;
    strings_base_ = base->strings_base_ + static_cast<std::uint32_t>(base->strings_size_);
}

}  // namespace minibpf::btf
