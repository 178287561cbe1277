// Where a USDT probe's arguments are when its place is reached, for the program that reads them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#pragma GCC visibility push(default)

namespace minibpf {

/// One argument, as programs that include libbpf's usdt.bpf.h have it in their map.
struct UsdtArgument {
    /// Where the argument is.
    enum Type : std::uint32_t {
        constant,             ///< value_offset is the value
        in_register,          ///< in the register at register_offset of struct pt_regs
        in_memory,            ///< at the address register + value_offset
        in_scaled_memory = 3  ///< at register + (index register << scale) + value_offset (libbpf 1.7)
    };
    std::uint64_t value_offset = 0;
    std::uint32_t type = constant;  ///< bits 0-7; 8-19 the index register's offset, 20-23 the scale's logarithm
    std::int16_t register_offset = 0;
    bool is_signed = false;
    std::uint8_t bit_shift = 0;  ///< 64 minus the argument's bits: shifted left and right again it has its sign
};
static_assert(sizeof(UsdtArgument) == 16);

/// What the map __bpf_usdt_specs holds for one place, or for several with the same arguments.
struct UsdtSpec {
    static constexpr std::size_t most_arguments = 12;
    UsdtArgument arguments[most_arguments];
    std::uint64_t cookie = 0;  ///< AttachOptions::cookie
    std::int16_t argument_count = 0;
    std::uint8_t padding[6] = {};
};
static_assert(sizeof(UsdtSpec) == 208);

/// Reads "-4@%eax 8@-16(%rbp) 4@$5". Throws Error (Blame::object): an argument that is not understood, more than 12 of
/// them. On another machine than x86-64, whose notation is not known here, any argument at all (Blame::facility).
UsdtSpec parse_usdt_arguments(std::string_view text);

}  // namespace minibpf

#pragma GCC visibility pop
