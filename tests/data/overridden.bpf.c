// SPDX-License-Identifier: MIT OR GPL-2.0
// What `bpftool gen object` leaves of a weak function when another file's definition of it has won: instructions, with
// their relocations, that no symbol covers.
#include <minibpf_helpers.h>

u64 count;

asm(".text\n"
    "r1 = count ll\n"
    "call twice\n"
    "exit\n");

__attribute__((noinline)) int twice(int number) {
    count += number;
    return 2 * number;
}

SEC("raw_tp/sys_enter") int hello(void *ctx) { return twice(1) != 2; }

char LICENSE[] SEC("license") = "GPL";
