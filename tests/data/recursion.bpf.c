// SPDX-License-Identifier: MIT OR GPL-2.0
// Functions that call themselves, directly and by way of another one: no kernel takes them. And one that does not.
#include <minibpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

u64 depth;

static __noinline int down(int n) {
    if (n <= 0) return 0;
    ++depth;
    return down(n - 1) + (int)depth;
}

__noinline int pong(int n);

__noinline int ping(int n) {
    ++depth;
    return n <= 0 ? 0 : pong(n - 1) + 1;
}

__noinline int pong(int n) {
    ++depth;
    return n <= 0 ? 0 : ping(n - 1) + 1;
}

SEC("raw_tp/sys_enter") int itself(void *ctx) { return down(3); }

SEC("raw_tp/sys_enter") int each_other(void *ctx) { return ping(3); }

SEC("raw_tp/sys_enter") int neither(void *ctx) { return (int)depth; }
