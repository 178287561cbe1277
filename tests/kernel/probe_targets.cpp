// The functions are kept apart from their callers, lest they be inlined. The USDT notes are written here as <sys/sdt.h>
// would write them, without needing it to be installed: see libminibpf/elf/executable.cpp for the layout.
#include "probe_targets.hpp"

#define KEPT extern "C" __attribute__((noinline, used))

KEPT int minibpf_probed(int argument) {
    asm volatile("");
    return 2 * argument + 1;
}

KEPT int minibpf_probed_first(int argument) {
    asm volatile("");
    return argument + 1;
}

KEPT int minibpf_probed_second(int argument) {
    asm volatile("");
    return argument + 2;
}

KEPT int minibpf_probed_third(int argument) {
    asm volatile("");
    return argument + 3;
}

extern "C" {
__attribute__((section(".probes"), used)) volatile std::uint16_t minibpf_usdt_semaphore = 0;
}

// Where the notes' addresses are counted from.
asm(".pushsection .stapsdt.base,\"a\",\"progbits\"\n"
    "minibpf_stapsdt_base: .space 1\n"
    ".popsection\n");

#define USDT_NOTE(name, arguments)               \
    "1: nop\n"                                   \
    ".pushsection .note.stapsdt,\"\",\"note\"\n" \
    ".balign 4\n"                                \
    ".4byte 8, 3f - 2f, 3\n"                     \
    ".asciz \"stapsdt\"\n"                       \
    "2: .8byte 1b\n"                             \
    ".8byte minibpf_stapsdt_base\n"              \
    ".8byte minibpf_usdt_semaphore\n"            \
    ".asciz \"minibpf\"\n"                       \
    ".asciz \"" name                             \
    "\"\n"                                       \
    ".asciz \"" arguments                        \
    "\"\n"                                       \
    "3: .balign 4\n"                             \
    ".popsection\n"

namespace minibpf::test {

__attribute__((noinline)) void look_at(int number, unsigned char byte, long in_memory) {
    asm volatile(USDT_NOTE("looked_at", "-4@%0 1@%1 -8@%2 4@$7") : : "r"(number), "r"(byte), "m"(in_memory));
}

__attribute__((noinline)) void look_at_elsewhere(int number) {
    asm volatile(USDT_NOTE("looked_at", "-4@%0") : : "r"(number));
}

}  // namespace minibpf::test
