// Reversing bytes. For the tables that takes no knowledge of the kinds: everything in BTF and .BTF.ext is a 32-bit
// word, save the first four bytes of their headers (u16 magic, u8 version, u8 flags) and the strings.
//
// Values are harder, because their types say where numbers begin and end. A bit-field's place is counted from the
// lowest bit on little-endian machines and from the highest on big-endian ones (bits.hpp), and the BTF of both is the
// same; so it is read in one order and written in the other.
#include <libminibpf/btf/byte_order.hpp>

#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include <libminibpf/base/error.hpp>
#include <libminibpf/btf/bits.hpp>
#include <libminibpf/btf/kinds.hpp>
#include <libminibpf/btf/scalars.hpp>

namespace minibpf::btf {

namespace {

constexpr std::size_t word_bytes = 4;

constexpr std::endian foreign_order =
    std::endian::native == std::endian::little ? std::endian::big : std::endian::little;

bool has_native_magic(ByteView raw) noexcept {
    return read_at<std::uint16_t>(raw, 0) == std::uint16_t{BTF_MAGIC};
}

void reverse(Bytes& bytes, std::size_t offset, std::size_t size) {
    const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(offset);
    std::reverse(begin, begin + static_cast<std::ptrdiff_t>(size));
}

// The whole words among these bytes, as far as there are any.
void reverse_words(Bytes& bytes, std::uint64_t offset, std::uint64_t size) {
    const std::uint64_t end = std::min<std::uint64_t>(offset + size, bytes.size());
    for (std::uint64_t at = offset; at + word_bytes <= end; at += word_bytes) reverse(bytes, at, word_bytes);
}

/// Writes one value after the other into `out`, which is a copy of `in` at the beginning.
class ValueConverter {
public:
    ValueConverter(const Btf& btf, ByteView in) : btf_(btf), in_(in), out_(in.begin(), in.end()) {
        // A byte may be a few bit-fields, inside structs, in some of a union's alternatives.
        constexpr std::size_t visits_per_byte = 256, visits_at_least = 4096;
        visits_left_ = visits_at_least + in.size() * visits_per_byte;
    }

    Bytes convert(TypeId type) {
        value(type, 0, 0);
        return std::move(out_);
    }

private:
    void value(TypeId id, std::uint64_t offset, int depth) {
        const Type type = btf_.type(value_type(btf_, id));
        visit(type, 1, depth);
        switch (type.kind) {
            case Kind::struct_: return record(type, offset, depth);
            case Kind::union_: return alternatives(type, offset, depth);
            case Kind::array: return elements(type, offset, depth);
            case Kind::int_:
            case Kind::ptr:
            case Kind::enum_:
            case Kind::enum64:
            case Kind::float_: return scalar(offset, btf_.size_of(type.id).value_or(0));
            default: return;
        }
    }

    void scalar(std::uint64_t offset, std::uint64_t size) {
        const auto bytes = slice(in_, offset, size);
        if (!bytes) return;
        std::reverse_copy(bytes->begin(), bytes->end(), out_.begin() + static_cast<std::ptrdiff_t>(offset));
    }

    // Two rounds for bit-fields: they share bytes, whose other bits must not stay as they lay in the other order.
    void record(const Type& type, std::uint64_t offset, int depth) {
        visit(type, type.vlen, depth);
        for (std::uint32_t i = 0; i < type.vlen; ++i) clear_bit_field(field_of(btf_, btf_.member(type, i)), offset);
        for (std::uint32_t i = 0; i < type.vlen; ++i) member(type, i, offset, depth);
    }

    // Later ones are overwritten by earlier ones.
    void alternatives(const Type& type, std::uint64_t offset, int depth) {
        visit(type, type.vlen, depth);
        for (std::uint32_t i = type.vlen; i > 0; --i) {
            clear_bit_field(field_of(btf_, btf_.member(type, i - 1)), offset);
            member(type, i - 1, offset, depth);
        }
    }

    void member(const Type& record, std::uint32_t i, std::uint64_t offset, int depth) {
        const Field field = field_of(btf_, btf_.member(record, i));
        if (field.bit_size == 0) return value(field.type, offset + field.bit_offset / 8, depth + 1);
        const std::uint64_t bit = offset * 8 + field.bit_offset;
        if (!has_bits(in_, bit, field.bit_size)) return;
        write_bits(out_, bit, field.bit_size, read_bits(in_, bit, field.bit_size, foreign_order));
    }

    void clear_bit_field(const Field& field, std::uint64_t offset) {
        const std::uint64_t bit = offset * 8 + field.bit_offset;
        if (field.bit_size == 0 || !has_bits(in_, bit, field.bit_size)) return;
        const auto begin = out_.begin() + static_cast<std::ptrdiff_t>(bit / 8);
        const auto end = out_.begin() + static_cast<std::ptrdiff_t>((bit + field.bit_size + 7) / 8);
        std::fill(begin, end, std::byte{0});
    }

    // An array without a length, at the end of a struct, has as many elements as there are bytes for.
    void elements(const Type& type, std::uint64_t offset, int depth) {
        const ArrayInfo array = btf_.array(type);
        const std::uint64_t size = btf_.size_of(array.element).value_or(0);
        if (size < 1 || offset > in_.size()) return;
        const std::uint64_t present = (in_.size() - offset) / size;
        const std::uint64_t count = array.count == 0 ? present : std::min<std::uint64_t>(array.count, present);
        if (is_one_byte(array.element, size)) return;
        for (std::uint64_t i = 0; i < count; ++i) value(array.element, offset + i * size, depth + 1);
    }

    bool is_one_byte(TypeId element, std::uint64_t size) const {
        return size == 1 && btf_.type(value_type(btf_, element)).kind == Kind::int_;
    }

    void visit(const Type& type, std::size_t count, int depth) {
        if (visits_left_ >= count && depth < longest_chain) {
            visits_left_ -= count;
            return;
        }
        throw_malformed(
            fmt::format("BTF type {} ('{}') has more members than fit into {} bytes", type.id, type.name, in_.size()));
    }

    const Btf& btf_;
    ByteView in_;
    Bytes out_;
    std::size_t visits_left_ = 0;
};

}  // namespace

Bytes swap_btf(ByteView raw) {
    Bytes swapped(raw.begin(), raw.end());
    if (raw.size() < sizeof(btf_header)) return swapped;
    reverse(swapped, 0, sizeof(std::uint16_t));
    reverse_words(swapped, word_bytes, sizeof(btf_header) - word_bytes);
    const auto header = *read_at<btf_header>(has_native_magic(raw) ? raw : ByteView(swapped), 0);
    if (header.hdr_len < sizeof header) return swapped;
    reverse_words(swapped, sizeof header, header.hdr_len - sizeof header);
    reverse_words(swapped, std::uint64_t{header.hdr_len} + header.type_off, header.type_len);
    return swapped;
}

Bytes swap_btf_ext(ByteView raw) {
    Bytes swapped(raw.begin(), raw.end());
    if (raw.size() < word_bytes) return swapped;
    reverse(swapped, 0, sizeof(std::uint16_t));
    reverse_words(swapped, word_bytes, raw.size() - word_bytes);
    return swapped;
}

Bytes native_value(const Btf& btf, TypeId type, ByteView foreign) {
    return ValueConverter(btf, foreign).convert(type);
}

}  // namespace minibpf::btf
