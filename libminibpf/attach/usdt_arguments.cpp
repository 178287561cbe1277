// A note says of each argument its size, negative when it is signed, and an operand of the assembler:
//
//     -4@%eax            a register                   8@-16(%rbp)           memory at a register and an offset
//      4@$5              a constant                   8@8(%rax,%rbx,4)      the same with an index
//
// The program cannot read assembler, so it gets numbers: a register is its place in struct pt_regs, which is what the
// program has as its context (arch/x86/include/uapi/asm/ptrace.h).
#include <libminibpf/attach/usdt_arguments.hpp>

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include <libminibpf/base/error.hpp>
#include <libminibpf/base/lines.hpp>

namespace minibpf {

namespace {

struct RegisterNames {
    std::string_view names[4];  ///< of 64, 32, 16 and 8 bits
    std::int16_t offset;        ///< in struct pt_regs, bytes
};

// clang-format off
constexpr RegisterNames x86_registers[] = {
    {{"r15", "r15d", "r15w", "r15b"}, 0},   {{"r14", "r14d", "r14w", "r14b"}, 8},
    {{"r13", "r13d", "r13w", "r13b"}, 16},  {{"r12", "r12d", "r12w", "r12b"}, 24},
    {{"rbp", "ebp", "bp", "bpl"}, 32},      {{"rbx", "ebx", "bx", "bl"}, 40},
    {{"r11", "r11d", "r11w", "r11b"}, 48},  {{"r10", "r10d", "r10w", "r10b"}, 56},
    {{"r9", "r9d", "r9w", "r9b"}, 64},      {{"r8", "r8d", "r8w", "r8b"}, 72},
    {{"rax", "eax", "ax", "al"}, 80},       {{"rcx", "ecx", "cx", "cl"}, 88},
    {{"rdx", "edx", "dx", "dl"}, 96},       {{"rsi", "esi", "si", "sil"}, 104},
    {{"rdi", "edi", "di", "dil"}, 112},     {{"rip", "eip", "ip", ""}, 128},
    {{"rsp", "esp", "sp", "spl"}, 152},
};
// clang-format on

/// Takes an operand apart from the left; every step says whether it found what it looked for.
class OperandReader {
public:
    explicit OperandReader(std::string_view text) : rest_(text) {}

    bool at_end() const noexcept { return rest_.empty(); }
    bool take(char wanted) noexcept {
        if (!rest_.starts_with(wanted)) return false;
        rest_.remove_prefix(1);
        return true;
    }
    std::optional<std::int64_t> number() noexcept {
        const bool negative = take('-');
        const bool hex = rest_.starts_with("0x");
        if (hex) rest_.remove_prefix(2);
        std::uint64_t value = 0;
        const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value, hex ? 16 : 10);
        if (error != std::errc()) return std::nullopt;
        rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
        return static_cast<std::int64_t>(negative ? 0 - value : value);
    }
    /// "%rax": its place in struct pt_regs.
    std::optional<std::int16_t> register_offset() noexcept {
        if (!take('%')) return std::nullopt;
        const std::string_view name = rest_.substr(0, rest_.find_first_of("(),"));
        rest_.remove_prefix(name.size());
        for (const RegisterNames& known : x86_registers) {
            for (std::string_view candidate : known.names) {
                if (!name.empty() && name == candidate) return known.offset;
            }
        }
        return std::nullopt;
    }

private:
    std::string_view rest_;
};

std::optional<unsigned> logarithm(std::int64_t scale) noexcept {
    for (unsigned shift = 0; shift <= 3; ++shift) {
        if (scale == std::int64_t{1} << shift) return shift;
    }
    return std::nullopt;
}

// ",%rbx,4" and the closing parenthesis.
bool read_index(OperandReader& reader, UsdtArgument& argument) {
    argument.type = UsdtArgument::in_memory;
    if (reader.take(',')) {
        const auto index = reader.register_offset();
        if (!index) return false;
        const auto scale = reader.take(',') ? reader.number() : std::optional<std::int64_t>(1);
        const auto shift = scale ? logarithm(*scale) : std::nullopt;
        if (!shift) return false;
        argument.type = UsdtArgument::in_scaled_memory | static_cast<std::uint32_t>(*index) << 8 | *shift << 20;
    }
    return reader.take(')');
}

// Everything after the size's '@'.
bool read_operand(OperandReader& reader, UsdtArgument& argument) {
    if (reader.take('$')) {
        const auto value = reader.number();
        if (value) argument.value_offset = static_cast<std::uint64_t>(*value);
        return value.has_value();
    }
    if (const auto place = reader.register_offset()) {
        argument.type = UsdtArgument::in_register;
        argument.register_offset = *place;
        return true;
    }
    if (const auto offset = reader.number()) argument.value_offset = static_cast<std::uint64_t>(*offset);
    if (!reader.take('(')) return false;
    const auto base = reader.register_offset();
    if (!base) return false;
    argument.register_offset = *base;
    return read_index(reader, argument);
}

std::optional<UsdtArgument> parse_argument(std::string_view text) {
    OperandReader reader(text);
    UsdtArgument argument;
    const auto size = reader.number();
    if (!size || *size < -8 || *size > 8 || !reader.take('@')) return std::nullopt;
    const std::int64_t bytes = *size < 0 ? -*size : *size;
    if (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8) return std::nullopt;
    argument.is_signed = *size < 0;
    argument.bit_shift = static_cast<std::uint8_t>(64 - bytes * 8);
    if (!read_operand(reader, argument) || !reader.at_end()) return std::nullopt;
    return argument;
}

}  // namespace

UsdtSpec parse_usdt_arguments(std::string_view text) {
#if !defined(__x86_64__)
    if (!text.empty()) {
        throw Error(
            {.doing = fmt::format("USDT arguments '{}': minibpf reads x86-64's notation only, and this is another "
                                  "machine",
                                  text),
             .hint = "attach a program that reads no arguments, without usdt.bpf.h",
             .blame = Blame::facility});
    }
#endif
    UsdtSpec spec;
    for (std::string_view rest = text; !rest.empty();) {
        const std::string_view word = take_until(rest, ' ');
        if (word.empty()) continue;
        if (spec.argument_count == static_cast<std::int16_t>(UsdtSpec::most_arguments)) {
            throw_malformed(fmt::format("USDT arguments '{}': more than {}", text, UsdtSpec::most_arguments));
        }
        const std::optional<UsdtArgument> argument = parse_argument(word);
        if (!argument) {
            throw_malformed(fmt::format("USDT arguments '{}': '{}' is not understood", text, word),
                            "registers, constants and memory at registers are; floating point and symbols are not");
        }
        spec.arguments[spec.argument_count++] = *argument;
    }
    return spec;
}

}  // namespace minibpf
