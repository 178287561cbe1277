// Values of maps without BTF: a size and bytes.
#include <libminibpf/btf/value.hpp>

#include <algorithm>

#include <fmt/format.h>

#include <libminibpf/base/error.hpp>
#include <libminibpf/btf/bits.hpp>
#include <libminibpf/btf/literals.hpp>

namespace minibpf::btf {

namespace {

[[noreturn]] void fail(std::size_t size, std::string_view text, const std::string& what) {
    constexpr std::size_t longest = 60;
    throw Error({.doing = fmt::format("value '{}{}' of {} bytes: {}", text.substr(0, longest),
                                      text.size() > longest ? "..." : "", size, what),
                 .hint = "write an integer (1, 2, 4 or 8 bytes), a \"string\" or every byte in hex: de ad be ef",
                 .blame = Blame::usage});
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view spaces = " \t\r\n";
    const std::size_t begin = text.find_first_not_of(spaces);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(spaces) - begin + 1);
}

Bytes from_string(std::size_t size, std::string_view text) {
    Literal<std::string> literal = read_string(text);
    if (!literal.fault.empty()) fail(size, text, literal.fault);
    if (literal.length != text.size()) fail(size, text, "more text after the string");
    if (literal.value.size() > size) fail(size, text, fmt::format("the string has {} bytes", literal.value.size()));
    Bytes bytes(size);
    std::ranges::copy(bytes_of(literal.value), bytes.begin());
    return bytes;
}

std::optional<unsigned> hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
    return std::nullopt;
}

// `de ad be ef`: two digits a byte, spaces between. Nothing when the text is none of that.
std::optional<Bytes> from_hex(std::string_view text) {
    Bytes bytes;
    for (std::size_t i = 0; i < text.size(); i += 3) {
        const std::optional<unsigned> high = hex_digit(text[i]);
        const std::optional<unsigned> low = i + 1 < text.size() ? hex_digit(text[i + 1]) : std::nullopt;
        if (!high || !low || (i + 2 < text.size() && text[i + 2] != ' ')) return std::nullopt;
        bytes.push_back(static_cast<std::byte>(*high << 4 | *low));
    }
    return bytes;
}

bool is_integer_size(std::size_t size) noexcept {
    return size == 1 || size == 2 || size == 4 || size == 8;
}

constexpr std::size_t row_size = 16;

std::size_t offset_width(ByteView bytes) {
    return fmt::formatted_size("{:x}", bytes.empty() ? 0 : (bytes.size() - 1) / row_size * row_size);
}

std::string dump_row(ByteView bytes, std::size_t offset, std::size_t width) {
    const ByteView row = bytes.subspan(offset, std::min(row_size, bytes.size() - offset));
    std::string text = fmt::format("{:{}x} ", offset, width);
    std::string ascii;
    for (std::size_t i = 0; i < row_size; ++i) {
        if (i % 8 == 0) text += ' ';
        if (i >= row.size()) {
            text += "   ";
            continue;
        }
        const auto byte = std::to_integer<std::uint8_t>(row[i]);
        text += fmt::format("{:02x} ", byte);
        ascii += byte >= ' ' && byte <= '~' ? static_cast<char>(byte) : '.';
    }
    return text + fmt::format(" |{}|", ascii);
}

// `^^` where dump_row() has put a byte that is not as before; empty when all are.
std::string mark_row(ByteView bytes, ByteView before, std::size_t offset, std::size_t width) {
    std::string marks;
    for (std::size_t i = 0; i < row_size && offset + i < bytes.size(); ++i) {
        const std::size_t at = offset + i;
        if (at < before.size() && before[at] == bytes[at]) continue;
        marks.resize(width + 2 + i * 3 + i / 8, ' ');
        marks += "^^";
    }
    return marks;
}

}  // namespace

Bytes parse_untyped_value(std::size_t size, std::string_view text) {
    text = trimmed(text);
    if (text.starts_with('"')) return from_string(size, text);
    const Literal<Integer> number = read_integer(text);
    const bool is_number = number.length == text.size() || number.fault == "larger than 64 bits";
    if (is_integer_size(size) && is_number) {
        const auto bit_size = static_cast<std::uint32_t>(size * 8);
        if (!number.fault.empty()) fail(size, text, number.fault);
        if (!number.value.fits_signed(bit_size) && !number.value.fits_unsigned(bit_size))
            fail(size, text, "the number does not fit");
        Bytes bytes(size);
        write_bits(bytes, 0, bit_size, number.value.bits());
        return bytes;
    }
    std::optional<Bytes> bytes = from_hex(text);
    if (!bytes || text.empty()) fail(size, text, "neither an integer of this size nor a string nor hex bytes");
    if (bytes->size() != size) fail(size, text, fmt::format("{} bytes in hex", bytes->size()));
    return *bytes;
}

std::string hexdump(ByteView bytes) {
    std::string text;
    for (std::size_t offset = 0; offset < bytes.size(); offset += row_size) {
        if (offset != 0) text += '\n';
        text += dump_row(bytes, offset, offset_width(bytes));
    }
    return text;
}

std::string hexdump_with_changes(ByteView bytes, ByteView before) {
    std::string text;
    for (std::size_t offset = 0; offset < bytes.size(); offset += row_size) {
        if (offset != 0) text += '\n';
        text += dump_row(bytes, offset, offset_width(bytes));
        const std::string marks = mark_row(bytes, before, offset, offset_width(bytes));
        if (!marks.empty()) text += '\n' + marks;
    }
    return text;
}

}  // namespace minibpf::btf
