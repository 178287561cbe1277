// Writing and reading C's literals; what goes wrong comes back as words, for only the caller knows the value's place.
#include <libminibpf/btf/literals.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace minibpf::btf {

namespace {

// The letter of each escape and the byte it stands for, except \0 to \377 and \x.
struct Escape {
    char letter, byte;
};
constexpr Escape escapes[] = {{'n', '\n'}, {'t', '\t'},  {'r', '\r'}, {'a', '\a'},  {'b', '\b'}, {'f', '\f'},
                              {'v', '\v'}, {'\\', '\\'}, {'"', '"'},  {'\'', '\''}, {'?', '?'},  {'e', '\x1b'}};

// The bytes of one UTF-8 character at the start of the text that may be shown: no ASCII, no control character (U+0080
// to U+009F, which terminals obey), no surrogate, nothing longer than needed. 0: none.
std::size_t utf8_length(std::string_view text) noexcept {
    const auto lead = static_cast<std::uint8_t>(text[0]);
    const std::size_t length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (length == 0 || text.size() < length) return 0;
    std::uint32_t code = lead & (0xffu >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        const auto byte = static_cast<std::uint8_t>(text[i]);
        if ((byte & 0xc0) != 0x80) return 0;
        code = code << 6 | (byte & 0x3f);
    }
    constexpr std::uint32_t least[] = {0, 0, 0xa0, 0x800, 0x10000};
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    return code < least[length] || code > 0x10ffff || surrogate ? 0 : length;
}

// Three octal digits: unlike \x, they do not swallow a digit that follows.
std::string escaped(char c, char quote) {
    for (const Escape& escape : escapes) {
        const bool needed = escape.letter == quote || (escape.letter != '"' && escape.letter != '\'');
        if (c == escape.byte && needed && c != '?' && c != '\x1b') return {'\\', escape.letter};
    }
    if (c >= ' ' && c <= '~') return {c};
    return fmt::format("\\{:03o}", static_cast<unsigned>(static_cast<std::uint8_t>(c)));
}

int digit_value(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return 99;
}

// Reads what follows a backslash, at text[at]; moves `at` behind it.
Literal<char> read_escape(std::string_view text, std::size_t& at) {
    if (at >= text.size()) return {.fault = "it ends after a backslash"};
    const char letter = text[at];
    const bool hex = letter == 'x';
    if (!hex && digit_value(letter) > 7) {
        ++at;
        for (const Escape& escape : escapes) {
            if (letter == escape.letter) return {.value = escape.byte};
        }
        return {.fault = fmt::format("\\{} is no escape of C", letter)};
    }
    const int base = hex ? 16 : 8;
    const std::size_t begin = hex ? ++at : at;
    const std::size_t end = hex ? text.size() : std::min(text.size(), at + 3);
    unsigned value = 0;
    for (; at < end && digit_value(text[at]) < base; ++at) {
        value = value * static_cast<unsigned>(base) + static_cast<unsigned>(digit_value(text[at]));
        if (value > 0xff) return {.fault = "an escape is larger than a byte"};
    }
    if (at == begin) return {.fault = "\\x without digits"};
    return {.value = static_cast<char>(value)};
}

// What stands between the quotes.
Literal<std::string> read_quoted(std::string_view text, char quote) {
    Literal<std::string> literal;
    for (std::size_t at = 1; at < text.size();) {
        const char c = text[at++];
        if (c == quote) {
            literal.length = at;
            return literal;
        }
        if (c != '\\') {
            literal.value += c;
            continue;
        }
        Literal<char> byte = read_escape(text, at);
        if (!byte.fault.empty()) return {.fault = std::move(byte.fault)};
        literal.value += byte.value;
    }
    return {.fault = fmt::format("the closing {} is missing", quote)};
}

Literal<Integer> read_char(std::string_view text) {
    Literal<std::string> quoted = read_quoted(text, '\'');
    if (!quoted.fault.empty()) return {.fault = std::move(quoted.fault)};
    if (quoted.value.size() != 1) return {.fault = fmt::format("'...' holds one byte, not {}", quoted.value.size())};
    return {.value = {.magnitude = static_cast<std::uint8_t>(quoted.value[0])}, .length = quoted.length};
}

// The base that C gives the digits, whose prefix it takes off.
unsigned take_base(std::string_view& digits) noexcept {
    if (digits.size() < 2 || digits[0] != '0') return 10;
    const char letter = digits[1];
    const bool hex = letter == 'x' || letter == 'X';
    const bool binary = letter == 'b' || letter == 'B';
    digits.remove_prefix(hex || binary ? 2 : 1);
    return hex ? 16 : binary ? 2 : 8;
}

}  // namespace

bool is_word(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

std::string string_literal(ByteView bytes) {
    std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    text = text.substr(0, text.find('\0'));
    std::string literal = "\"";
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        if (length != 0) {
            literal += text.substr(0, length);
        } else {
            literal += escaped(text[0], '"');
        }
        text.remove_prefix(length != 0 ? length : 1);
    }
    return literal + '"';
}

std::string char_literal(std::uint8_t byte) {
    if (byte == 0) return "'\\0'";
    return fmt::format("'{}'", escaped(static_cast<char>(byte), '\''));
}

bool Integer::fits_unsigned(std::uint32_t bit_size) const noexcept {
    if (negative && magnitude != 0) return false;
    return bit_size >= 64 || magnitude < std::uint64_t{1} << bit_size;
}

bool Integer::fits_signed(std::uint32_t bit_size) const noexcept {
    if (bit_size == 0) return false;
    if (bit_size > 64) return true;
    const std::uint64_t limit = std::uint64_t{1} << (bit_size - 1);
    return negative ? magnitude <= limit : magnitude < limit;
}

Literal<Integer> read_integer(std::string_view text) {
    if (text.starts_with('\'')) return read_char(text);
    Literal<Integer> literal;
    literal.value.negative = text.starts_with('-');
    if (text.starts_with('-') || text.starts_with('+')) literal.length = 1;
    const std::size_t begin = literal.length;
    while (literal.length < text.size() && is_word(text[literal.length])) ++literal.length;
    std::string_view digits = text.substr(begin, literal.length - begin);
    const unsigned base = take_base(digits);
    if (digits.empty()) return {.fault = "no number"};
    for (char c : digits) {
        const auto digit = static_cast<unsigned>(digit_value(c));
        if (digit >= base) return {.fault = "no number"};
        std::uint64_t& value = literal.value.magnitude;
        if (__builtin_mul_overflow(value, std::uint64_t{base}, &value) ||
            __builtin_add_overflow(value, std::uint64_t{digit}, &value)) {
            return {.fault = "larger than 64 bits"};
        }
    }
    return literal;
}

Literal<std::string> read_string(std::string_view text) {
    if (!text.starts_with('"')) return {.fault = "no string"};
    return read_quoted(text, '"');
}

}  // namespace minibpf::btf
