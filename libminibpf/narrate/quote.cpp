// Quoting. strace cuts strings after 32 bytes unless told otherwise; file names stay whole.
#include <libminibpf/narrate/quote.hpp>

#include <cstring>
#include <span>

#include <fmt/format.h>

namespace minibpf {

namespace {

constexpr std::size_t shown_bytes = 32;

bool is_octal_digit(char c) noexcept {
    return c >= '0' && c <= '7';
}

std::string escaped(char c, bool octal_digit_follows) {
    switch (c) {
        case '"': return "\\\"";
        case '\\': return "\\\\";
        case '\f': return "\\f";
        case '\n': return "\\n";
        case '\r': return "\\r";
        case '\t': return "\\t";
        case '\v': return "\\v";
        default: break;
    }
    if (c >= ' ' && c < '\177') return std::string(1, c);
    // Before an octal digit the number has all its three, or the two would be read as one number.
    const unsigned number = static_cast<unsigned char>(c);
    return octal_digit_follows ? fmt::format("\\{:03o}", number) : fmt::format("\\{:o}", number);
}

}  // namespace

std::string quoted_text(std::string_view text) {
    std::string result = "\"";
    for (std::size_t i = 0; i < text.size(); ++i) {
        result += escaped(text[i], i + 1 < text.size() && is_octal_digit(text[i + 1]));
    }
    return result + '"';
}

std::string quoted_bytes(ByteView bytes) {
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return quoted_text(text.substr(0, shown_bytes)) + (text.size() > shown_bytes ? "..." : "");
}

std::string quoted_c_string(const char* text) {
    return quoted_bytes(std::as_bytes(std::span(text, strnlen(text, shown_bytes + 1))));
}

std::string quoted_buffer(std::string_view buffer) {
    const std::string_view shown = buffer.substr(0, shown_bytes);
    const std::size_t end = shown.find('\0');
    if (end != std::string_view::npos || buffer.empty()) return quoted_text(shown.substr(0, end));
    return quoted_text(shown) + "...";
}

}  // namespace minibpf
