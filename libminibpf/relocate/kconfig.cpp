// A kernel's configuration: unpacked piece by piece, so that a small hostile file cannot become a large one in memory,
// and read line by line.
#include <libminibpf/relocate/kconfig.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>

#include <fmt/format.h>
#include <zlib.h>

#include <libminibpf/base/error.hpp>

namespace minibpf {

namespace {

// The longest lines, lists of command line arguments and of paths, have hundreds of characters.
constexpr std::size_t longest_line = 64 * 1024;

bool is_gzip(ByteView file) noexcept {
    return file.size() >= 2 && file[0] == std::byte{0x1f} && file[1] == std::byte{0x8b};
}

class LineReader {
public:
    LineReader(std::string_view where, const std::vector<std::string>& wanted) : where_(where), wanted_(wanted) {}

    void take(std::string_view text) {
        for (std::size_t end; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1)) {
            rest_ += text.substr(0, end);
            read_line(rest_);
            rest_.clear();
            ++line_;
        }
        rest_ += text;
        if (rest_.size() > longest_line) {
            throw_malformed(fmt::format("{}: line {} has more than {} bytes: no kernel configuration", where_, line_,
                                        longest_line));
        }
    }

    KconfigValues finish() {
        read_line(rest_);
        return std::move(values_);
    }

private:
    void read_line(std::string_view line) {
        if (!line.starts_with("CONFIG_")) return;
        const std::size_t equals = line.find('=');
        if (equals == std::string_view::npos || equals + 1 == line.size()) {
            throw_malformed(
                fmt::format("{}, line {}: '{}' is no option with a value", where_, line_, line.substr(0, 80)));
        }
        const std::string_view name = line.substr(0, equals);
        if (std::find(wanted_.begin(), wanted_.end(), name) == wanted_.end()) return;
        values_.insert_or_assign(std::string(name), std::string(line.substr(equals + 1)));
    }

    std::string_view where_;
    const std::vector<std::string>& wanted_;
    std::string rest_;  // a line that is not whole yet
    std::size_t line_ = 1;
    KconfigValues values_;
};

class Inflation {
public:
    Inflation(ByteView packed, std::string_view where) : where_(where) {
        constexpr int gzip_only = 16 + MAX_WBITS;
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data()));
        stream_.avail_in = static_cast<uInt>(packed.size());
        if (inflateInit2(&stream_, gzip_only) != Z_OK) throw std::bad_alloc();
    }
    Inflation(const Inflation&) = delete;
    Inflation& operator=(const Inflation&) = delete;
    ~Inflation() { inflateEnd(&stream_); }

    /// The next piece of the text; empty after the last.
    std::string_view next() {
        if (ended_) return {};
        stream_.next_out = reinterpret_cast<Bytef*>(piece_.data());
        stream_.avail_out = static_cast<uInt>(piece_.size());
        const int result = inflate(&stream_, Z_NO_FLUSH);
        ended_ = result == Z_STREAM_END;
        if (!ended_ && (result != Z_OK || stream_.avail_out == piece_.size())) {
            throw_malformed(fmt::format("{}: the gzip stream is broken or cut off after {} bytes ({})", where_,
                                        stream_.total_in, stream_.msg != nullptr ? stream_.msg : "no more input"));
        }
        return {piece_.data(), piece_.size() - stream_.avail_out};
    }

private:
    std::string_view where_;
    z_stream stream_{};
    std::array<char, 16 * 1024> piece_{};
    bool ended_ = false;
};

[[noreturn]] void fail_value(const ExternSpec& external, std::string_view value, std::string_view why) {
    throw_malformed(fmt::format("extern '{}' (.kconfig): the kernel has {}={}, {}", external.name, external.name,
                                value.substr(0, 80), why));
}

void store(std::span<std::byte> to, std::uint64_t value) {
    // The low bytes first: BPF variables have the byte order of the machine.
    for (std::size_t size : {1, 2, 4, 8}) {
        if (to.size() != size) continue;
        const auto u8 = static_cast<std::uint8_t>(value);
        const auto u16 = static_cast<std::uint16_t>(value);
        const auto u32 = static_cast<std::uint32_t>(value);
        const void* from = size == 1   ? static_cast<const void*>(&u8)
                           : size == 2 ? static_cast<const void*>(&u16)
                           : size == 4 ? static_cast<const void*>(&u32)
                                       : static_cast<const void*>(&value);
        std::memcpy(to.data(), from, size);
    }
}

void write_tristate(const ExternSpec& external, char value, std::span<std::byte> to) {
    constexpr std::uint64_t tri_no = 0, tri_yes = 1, tri_module = 2;  // enum libbpf_tristate
    switch (external.value_type) {
        case KconfigType::boolean:
            if (value == 'm')
                fail_value(external, "m", "which is neither true nor false: declare it enum libbpf_tristate");
            return store(to, value == 'y' ? 1 : 0);
        case KconfigType::tristate: return store(to, value == 'y' ? tri_yes : value == 'm' ? tri_module : tri_no);
        case KconfigType::character: return store(to, static_cast<std::uint64_t>(value));
        default:
            fail_value(external, std::string_view(&value, 1),
                       "and the variable is no bool, char or enum libbpf_tristate");
    }
}

void write_string(const ExternSpec& external, std::string_view value, std::span<std::byte> to) {
    if (external.value_type != KconfigType::string) fail_value(external, value, "and the variable is no array of char");
    if (value.size() < 2 || value.back() != '"') fail_value(external, value, "a string that does not end");
    value = value.substr(1, value.size() - 2);
    // A string that is too long is cut, as libbpf does; one byte is the NUL's.
    const std::size_t size = std::min(value.size(), to.size() - 1);
    std::ranges::fill(to, std::byte{0});
    std::memcpy(to.data(), value.data(), size);
}

struct Number {
    std::uint64_t bits = 0;
    bool is_negative = false;
};

// Kconfig writes decimal numbers, and hexadecimal ones with 0x.
std::optional<Number> parse_number(std::string_view text) {
    const bool is_negative = text.starts_with('-');
    if (is_negative) text.remove_prefix(1);
    const bool is_hex = text.starts_with("0x") || text.starts_with("0X");
    const bool is_octal = !is_hex && text.size() > 1 && text.starts_with('0');
    if (is_hex) text.remove_prefix(2);
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value,
                                              is_hex     ? 16
                                              : is_octal ? 8
                                                         : 10);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return Number{.bits = is_negative ? 0 - value : value, .is_negative = is_negative};
}

bool fits(const Number& number, std::size_t size, bool is_signed) {
    if (size == sizeof(std::uint64_t)) return true;
    const unsigned bits = static_cast<unsigned>(size) * 8;
    if (!is_signed) return !number.is_negative && number.bits >> bits == 0;
    const std::uint64_t half = std::uint64_t{1} << (bits - 1);
    return number.bits + half < 2 * half;  // -half <= number < half, in two's complement
}

void write_number(const ExternSpec& external, std::string_view value, std::span<std::byte> to) {
    const bool is_bool = external.value_type == KconfigType::boolean;
    if (external.value_type != KconfigType::integer && external.value_type != KconfigType::character && !is_bool) {
        fail_value(external, value, "and the variable is no integer");
    }
    const auto number = parse_number(value);
    if (!number) fail_value(external, value, "which is no number");
    if (is_bool && number->bits > 1) fail_value(external, value, "which is neither true nor false");
    if (!fits(*number, to.size(), external.is_signed)) {
        fail_value(external, value, fmt::format("which does not fit {} bytes", to.size()));
    }
    store(to, number->bits);
}

}  // namespace

KconfigValues read_kconfig(ByteView file, std::string_view where, const std::vector<std::string>& wanted) {
    LineReader lines(where, wanted);
    if (is_gzip(file)) {
        Inflation inflation(file, where);
        for (std::string_view text; !(text = inflation.next()).empty();) lines.take(text);
    } else {
        lines.take({reinterpret_cast<const char*>(file.data()), file.size()});
    }
    return lines.finish();
}

void write_kconfig_value(const ExternSpec& external, std::string_view value, std::span<std::byte> to) {
    if (value == "y" || value == "n" || value == "m") return write_tristate(external, value[0], to);
    if (value.starts_with('"')) return write_string(external, value, to);
    write_number(external, value, to);
}

}  // namespace minibpf
