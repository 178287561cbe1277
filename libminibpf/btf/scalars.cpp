// Integers, enums, pointers and floating point numbers as text, and where in a struct to find them.
#include <libminibpf/btf/scalars.hpp>

#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include <libminibpf/btf/bits.hpp>
#include <libminibpf/btf/kinds.hpp>
#include <libminibpf/btf/literals.hpp>

namespace minibpf::btf {

namespace {

std::string enum_text(const Btf& btf, const Type& type, std::uint64_t bits, std::uint32_t bit_size) {
    const std::uint64_t mask = bit_size >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bit_size) - 1;
    for (const Enumerator& enumerator : btf.enumerators(type)) {
        if ((enumerator.value & mask) == bits) return std::string(enumerator.name);
    }
    return type.kind_flag ? fmt::format("{}", sign_extend(bits, bit_size)) : fmt::format("{}", bits);
}

// Of at most 64 bits.
std::string integer_text(const Btf& btf, const Type& type, std::uint64_t bits, std::uint32_t bit_size) {
    if (type.kind == Kind::enum_ || type.kind == Kind::enum64) return enum_text(btf, type, bits, bit_size);
    if (type.kind != Kind::int_) return fmt::format("{:#x}", bits);
    const IntEncoding encoding = btf.int_encoding(type);
    if (encoding.is_bool && bits <= 1) return bits != 0 ? "true" : "false";
    if (is_char(btf, type.id) && bit_size == 8) return char_literal(static_cast<std::uint8_t>(bits));
    return encoding.is_signed ? fmt::format("{}", sign_extend(bits, bit_size)) : fmt::format("{}", bits);
}

// Sizes that no C++ type here has: __int128, long double.
std::string wide_text(ByteView bytes) {
    std::string text = "0x";
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const std::size_t index = std::endian::native == std::endian::little ? bytes.size() - 1 - i : i;
        text += fmt::format("{:02x}", std::to_integer<unsigned>(bytes[index]));
    }
    return text;
}

}  // namespace

TypeId value_type(const Btf& btf, TypeId id) {
    const Type stripped = btf.stripped(id);
    return stripped.kind == Kind::var ? btf.strip_modifiers(stripped.target()) : stripped.id;
}

// Compilers mark neither (clang: DW_ATE_signed_char is BTF_INT_SIGNED), so the name has to tell.
bool is_char(const Btf& btf, TypeId id) {
    const Type type = btf.stripped(id);
    return type.kind == Kind::int_ && type.size() == 1 && type.name == "char";
}

// Since Linux 5.0 the member has the size of a bit-field (kind flag); before, its INT said "3 bits of me, from bit 2".
Field field_of(const Btf& btf, const Member& member) {
    Field field{.type = member.type, .bit_offset = member.bit_offset, .bit_size = member.bit_size};
    const Type type = btf.stripped(member.type);
    if (field.bit_size == 0 && type.kind == Kind::int_) {
        const IntEncoding encoding = btf.int_encoding(type);
        if (encoding.bits != std::uint64_t{type.size()} * 8 || encoding.bit_offset != 0 || field.bit_offset % 8 != 0) {
            field.bit_offset += encoding.bit_offset;
            field.bit_size = encoding.bits;
        }
    }
    if (field.bit_size > 64) field.bit_size = 64;  // no C compiler makes such a field
    return field;
}

std::string scalar_text(const Btf& btf, const Type& type, ByteView bytes) {
    if (type.kind == Kind::float_ && bytes.size() == sizeof(float)) return fmt::format("{}", *read_at<float>(bytes, 0));
    if (type.kind == Kind::float_ && bytes.size() == sizeof(double))
        return fmt::format("{}", *read_at<double>(bytes, 0));
    if (type.kind == Kind::float_ || bytes.size() > 8)
        return wide_text(bytes.first(std::min<std::size_t>(bytes.size(), 16)));
    const auto bit_size = static_cast<std::uint32_t>(bytes.size() * 8);
    return integer_text(btf, type, read_bits(bytes, 0, bit_size), bit_size);
}

std::string bit_field_text(const Btf& btf, const Field& field, std::uint64_t bits) {
    return integer_text(btf, btf.type(value_type(btf, field.type)), bits, field.bit_size);
}

}  // namespace minibpf::btf
