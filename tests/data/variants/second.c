// SPDX-License-Identifier: MIT OR GPL-2.0
// What the other file's program uses.
#include "shared.h"

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, u32);
    __type(value, u64);
} sums SEC(".maps");
extern u32 LINUX_KERNEL_VERSION __kconfig;

u64 offset = 100;
u32 version_of_second;
static u64 rounds;

// As a global function it would not know whose memory its argument points to.
__hidden __noinline u64 sum_of(struct pair *pair) {
    __sync_fetch_and_add(&rounds, 1);
    return pair->first + pair->second;
}

__noinline u64 scaled(u64 number) { return number * 10; }

static __noinline u64 local(u64 number) { return number * 3000; }

__weak __noinline u64 only_here(u64 number) {
    version_of_second = LINUX_KERNEL_VERSION;
    return local(number);
}

char LICENSE[] SEC("license") = "GPL";
