// SPDX-License-Identifier: MIT OR GPL-2.0
// The program, which uses what the other file defines.
#include "shared.h"

extern struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, u32);
    __type(value, u64);
} sums __attribute__((section(".maps")));
extern u64 offset;
extern u32 LINUX_KERNEL_VERSION __kconfig;

u64 answer;
u32 version;
static u64 rounds;  // the other file has one too

// The other file's definition is stronger.
__weak __noinline u64 scaled(u64 number) { return number + 1; }

static __noinline u64 local(u64 number) { return number + 4; }

SEC("raw_tp/sys_enter") int hello(void *ctx) {
    struct pair pair = {.first = 30, .second = 7};
    u64 sum = scaled(sum_of(&pair)) + local(offset) + only_here(1);
    u32 key = 0;
    u64 *kept = bpf_map_lookup_elem(&sums, &key);
    if (kept) *kept = sum;
    __sync_fetch_and_add(&rounds, 1);
    version = LINUX_KERNEL_VERSION;
    answer = sum;
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
