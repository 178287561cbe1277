// C's literals: "Hey\n", 'a', 0x1f, -1. Bytes to literals for printing, literals to bytes for parsing.
//
// Internal to btf/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <libminibpf/base/bytes.hpp>

namespace minibpf::btf {

/// `"Hey\n"`: the bytes up to the first NUL as a string literal. UTF-8 stays as it is; control characters and whatever
/// is no text become escapes.
std::string string_literal(ByteView bytes);

/// `'a'`, `'\n'`, `'\377'`.
std::string char_literal(std::uint8_t byte);

/// An integer as it was written. 64 bits of magnitude and a sign hold both -1 and UINT64_MAX.
struct Integer {
    bool negative = false;
    std::uint64_t magnitude = 0;

    /// Two's complement.
    std::uint64_t bits() const noexcept { return negative ? 0 - magnitude : magnitude; }
    bool fits_unsigned(std::uint32_t bit_size) const noexcept;
    bool fits_signed(std::uint32_t bit_size) const noexcept;
};

/// A literal at the start of a text: its value, and how many characters it takes; or why it is none, in `fault`.
template <class Value>
struct Literal {
    Value value{};
    std::size_t length = 0;
    std::string fault;
};

/// 42, -1, 0x2a, 052, 0b101010, 'a'. Takes all the letters and digits that follow, so that `12ab` is one fault.
Literal<Integer> read_integer(std::string_view text);

/// "..." at the start of the text, with the escapes resolved and without the closing NUL.
Literal<std::string> read_string(std::string_view text);

/// Whether the character belongs to names and numbers: a letter, a digit or '_'.
bool is_word(char c) noexcept;

}  // namespace minibpf::btf
