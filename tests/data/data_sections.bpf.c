// SPDX-License-Identifier: MIT OR GPL-2.0
// Data sections of every name: the usual ones, named variants of each, a compiler's section of string literals, and one
// with static variables alone.
#include <minibpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct pair_t {
    u16 narrow;
    u64 wide;
};

const volatile u32 constant = 3;                                           // .rodata
const volatile struct pair_t named_constant SEC(".rodata.named") = {5, 7}; // .rodata.named
u32 initialised = 11;                                                      // .data
struct pair_t named_initialised SEC(".data.named") = {13, 17};             // .data.named
u64 zero;                                                                  // .bss
struct pair_t named_zero[3] SEC(".bss.named");                             // .bss.named
static volatile u32 only_static SEC(".data.static") = 19;                  // .data.static

static long (*const compare)(const char *s1, u32 size, const char *s2) = (void *)182;

char name[8] = "minibpf";
s64 compared = -1;

SEC("tc") int look(void *ctx) {
    zero += constant + named_constant.narrow + named_constant.wide;
    named_zero[2].wide = initialised + named_initialised.narrow + named_initialised.wide + only_static;
    named_initialised.wide = 23;
    compared = compare(name, sizeof(name), "minibpf"); // .rodata.str1.1
    return 0;
}
