// SPDX-License-Identifier: MIT OR GPL-2.0
// A program with a global function that another program may replace.
#include <minibpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

u64 seen;

__noinline int replaceable(int x) {
    __asm__ volatile("" : "+r"(x));
    return x + 1;
}

SEC("tc") int entry(void *ctx) {
    seen = (u64)replaceable(4);
    return (int)seen;
}
