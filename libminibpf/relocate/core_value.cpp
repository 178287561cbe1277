// Values. All but bit-fields are simple; a bit-field is read with an aligned load of its declared type's size, or of
// twice that where it would stick out, and shifted left until its highest bit is bit 63, then right until its lowest is
// bit 0:
//
//     struct { unsigned a : 5, b : 3; ... }     little-endian, b: byte_offset 0, byte_size 4
//
//     63                               8 7   5 4     0
//     | 0 ............................. |  b  |   a   |     << 56 (lshift_u64)    >> 61 (rshift_u64)
#include <libminibpf/relocate/core_value.hpp>

#include <bit>

#include <fmt/format.h>

#include <libminibpf/base/error.hpp>

namespace minibpf::core {

using btf::Btf;
using btf::Kind;
using btf::Type;

namespace {

std::uint32_t checked_size(const Access& access, const Type& type) {
    const auto size = size_of(*access.btf, type);
    if (!size || *size > UINT32_MAX) throw_malformed(fmt::format("{} has no known size", access_text(access)));
    return static_cast<std::uint32_t>(*size);
}

/// How many bytes an instruction that goes to this field reads or writes: of an array one element, however long it is
/// (libbpf 1.6 and newer).
std::uint32_t bytes_of_instruction(const Access& access, const Type& type) {
    Type element = access.btf->stripped(type.id);
    if (element.kind != Kind::array) return checked_size(access, type);
    while (element.kind == Kind::array) element = access.btf->stripped(access.btf->array(element).element);
    return checked_size(access, element);
}

Value element_value(CoreKind kind, const Access& access) {
    const Type type = access.btf->type(access.steps.back().type);
    switch (kind) {
        case CoreKind::field_byte_offset:
            return {.number = access.bit_offset / 8, .bytes = bytes_of_instruction(access, type), .type = type.id};
        case CoreKind::field_byte_size: return {.number = checked_size(access, type)};
        default:
            throw_malformed(fmt::format("{} is no member of a struct, and has neither sign nor shifts of its own",
                                        access_text(access)));
    }
}

/// The bytes that a load of a member reads.
struct Place {
    std::uint32_t byte_offset = 0, byte_size = 0;
    std::uint32_t bit_offset = 0, bit_size = 0;  ///< of the member itself; bit_offset counts like byte_offset
};

Place place_bit_field(const Access& access, std::uint32_t bit_size, std::uint32_t declared_size) {
    const std::uint64_t begin = access.bit_offset;
    if (!std::has_single_bit(declared_size) || declared_size > 8) {
        throw_malformed(fmt::format("{} is a bit-field in an integer of {} bytes", access_text(access), declared_size));
    }
    for (std::uint64_t size = declared_size; size <= 8; size *= 2) {
        const std::uint64_t byte_offset = begin / 8 / size * size;
        if (begin + bit_size > (byte_offset + size) * 8) continue;
        return {.byte_offset = static_cast<std::uint32_t>(byte_offset),
                .byte_size = static_cast<std::uint32_t>(size),
                .bit_offset = static_cast<std::uint32_t>(begin - byte_offset * 8),
                .bit_size = bit_size};
    }
    throw_malformed(fmt::format("{} is a bit-field (bits {} to {}) that no aligned load of 8 bytes covers",
                                access_text(access), begin, begin + bit_size - 1));
}

bool is_signed(const Btf& btf, const Type& type) {
    if (is_enum(type.kind)) return type.kind_flag;
    return type.kind == Kind::int_ && btf.int_encoding(type).is_signed;
}

// In unsigned arithmetic of 32 bits, as libbpf: for what is wider than 8 bytes there is no shift, but then nobody will
// execute it.
std::uint32_t left_shift(const Place& place) noexcept {
    if constexpr (std::endian::native == std::endian::little) return 64 - (place.bit_offset + place.bit_size);
    return (8 - place.byte_size) * 8 + place.bit_offset;
}

Value member_value(CoreKind kind, const Access& access) {
    const Btf& btf = *access.btf;
    const Step& step = access.steps.back();
    const Type type = btf.stripped(step.type);
    const bool is_bit_field = step.bit_size != 0;
    Place place;
    if (is_bit_field) {
        place = place_bit_field(access, step.bit_size, type.size_or_type);
    } else {
        place.byte_size = checked_size(access, type);
        place.byte_offset = static_cast<std::uint32_t>(access.bit_offset / 8);
        place.bit_offset = access.bit_offset % 8;
        place.bit_size = place.byte_size * 8;
    }
    switch (kind) {
        case CoreKind::field_byte_offset:
            if (is_bit_field) return {.number = place.byte_offset, .is_checked = false};
            return {.number = place.byte_offset, .bytes = bytes_of_instruction(access, type), .type = type.id};
        case CoreKind::field_byte_size: return {.number = place.byte_size, .is_checked = !is_bit_field};
        case CoreKind::field_signed: return {.number = is_signed(btf, type)};
        case CoreKind::field_lshift_u64: return {.number = left_shift(place), .is_checked = !is_bit_field};
        default: return {.number = 64 - place.bit_size};  // field_rshift_u64
    }
}

Value enumerator_value(const Access& access) {
    const Step& step = access.steps.front();
    const Type type = access.btf->type(step.within);
    const std::uint64_t number = access.btf->enumerator(type, step.index).value;
    // The flag that makes an ENUM signed came with Linux 6.0 and clang 16: without it, -1 and 0xffffffff look alike.
    const bool is_high = (number >> 31) != 0;
    return {.number = number,
            .is_signed = type.kind_flag,
            .is_sign_unknown = type.kind == Kind::enum_ && !type.kind_flag && is_high};
}

}  // namespace

Value value_of(CoreKind kind, const Access& access) {
    switch (kind) {
        case CoreKind::field_exists:
        case CoreKind::type_exists:
        case CoreKind::type_matches:
        case CoreKind::enumval_exists: return {.number = 1};
        case CoreKind::type_id_local:
        case CoreKind::type_id_target: return {.number = access.root, .is_checked = false};
        case CoreKind::type_size: return {.number = checked_size(access, access.btf->type(access.root))};
        case CoreKind::enumval_value: return enumerator_value(access);
        default: return access.steps.back().name.empty() ? element_value(kind, access) : member_value(kind, access);
    }
}

}  // namespace minibpf::core
