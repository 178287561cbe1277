// Integers of any width at any bit of a value: bit-fields, and every other integer as the special case.
//
// BTF counts bits as the machine lays bit-fields out: on little-endian ones bit 0 is the lowest of byte 0 and the first
// bit of a field is its lowest; on big-endian ones bit 0 is the highest of byte 0 and the first is the highest.
//
//     little-endian, 5 bits at bit_offset 6:      byte 0  [hh......]   byte 1  [.....lll]
//                                                          10                        432   (bits of the field)
//
// Internal to btf/.
#pragma once

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstdint>

#include <libminibpf/base/bytes.hpp>

namespace minibpf::btf {

inline bool has_bits(ByteView bytes, std::uint64_t bit_offset, std::uint64_t bit_size) noexcept {
    const std::uint64_t all = std::uint64_t{bytes.size()} * 8;
    return bit_offset <= all && bit_size <= all - bit_offset;
}

// The part of a field that lies in one byte.
struct BitPart {
    std::size_t byte = 0;
    std::uint32_t shift = 0;  // of the part within the byte
    std::uint32_t size = 0;   // bits
    std::uint32_t at = 0;     // of the part within the field's value

    std::uint8_t mask() const noexcept { return static_cast<std::uint8_t>((1u << size) - 1); }
};

// The part that holds the field's bit number `done`, counted as a machine of that byte order does.
inline BitPart part_of_field(std::uint64_t bit_offset, std::uint32_t bit_size, std::uint32_t done,
                             std::endian order) noexcept {
    const std::uint64_t position = bit_offset + done;
    const auto within = static_cast<std::uint32_t>(position % 8);
    const std::uint32_t size = std::min(8 - within, bit_size - done);
    const bool little = order == std::endian::little;
    return {.byte = static_cast<std::size_t>(position / 8),
            .shift = little ? within : 8 - within - size,
            .size = size,
            .at = little ? done : bit_size - done - size};
}

/// At most 64 bits, which the bytes must have (has_bits()).
inline std::uint64_t read_bits(ByteView bytes, std::uint64_t bit_offset, std::uint32_t bit_size,
                               std::endian order = std::endian::native) noexcept {
    assert(bit_size <= 64 && has_bits(bytes, bit_offset, bit_size));
    std::uint64_t value = 0;
    for (std::uint32_t done = 0; done < bit_size;) {
        const BitPart part = part_of_field(bit_offset, bit_size, done, order);
        const std::uint64_t bits = (std::to_integer<std::uint8_t>(bytes[part.byte]) >> part.shift) & part.mask();
        value |= bits << part.at;
        done += part.size;
    }
    return value;
}

/// Leaves the bits around the field as they are.
inline void write_bits(std::span<std::byte> bytes, std::uint64_t bit_offset, std::uint32_t bit_size,
                       std::uint64_t value) noexcept {
    assert(bit_size <= 64 && has_bits(bytes, bit_offset, bit_size));
    for (std::uint32_t done = 0; done < bit_size;) {
        const BitPart part = part_of_field(bit_offset, bit_size, done, std::endian::native);
        const auto mask = static_cast<std::byte>(part.mask() << part.shift);
        const auto bits = static_cast<std::byte>(((value >> part.at) & part.mask()) << part.shift);
        bytes[part.byte] = (bytes[part.byte] & ~mask) | bits;
        done += part.size;
    }
}

inline std::int64_t sign_extend(std::uint64_t value, std::uint32_t bit_size) noexcept {
    if (bit_size == 0 || bit_size >= 64) return static_cast<std::int64_t>(value);
    const std::uint64_t sign = std::uint64_t{1} << (bit_size - 1);
    return static_cast<std::int64_t>((value ^ sign) - sign);
}

}  // namespace minibpf::btf
