// SPDX-License-Identifier: MIT OR GPL-2.0
// One program of everything that the ways of compiling it change: comparisons and arithmetic of 32 and 64 bits, calls in
// and out of the section, variables, constants, a map. What it computes is the same in all of them.
#include <minibpf_helpers.h>

struct totals {
    u64 sum;
    u32 rounds;
};

#ifdef WITHOUT_BTF
struct bpf_map_def {
    u32 type, key_size, value_size, max_entries, map_flags;
};
SEC("maps")
struct bpf_map_def totals = {
    .type = BPF_MAP_TYPE_ARRAY, .key_size = sizeof(u32), .value_size = sizeof(struct totals), .max_entries = 2};
#else
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 2);
    __type(key, u32);
    __type(value, struct totals);
} totals SEC(".maps");
#endif

const volatile u32 weights[4] = {1, 10, 100, 1000};
volatile s32 step = -3;
u64 answer;
u32 smaller;
static volatile u64 rounds;

__noinline u64 weighted(u32 at, u64 number) {
    return at < 4 ? number * weights[at & 3] : 0;
}

static __noinline int is_smaller(s32 one, s32 other) {
    return one < other;
}

SEC("raw_tp/sys_enter") int hello(void *ctx) {
    u64 sum = 0;
    u32 less = 0;
    for (u32 i = 0; i < 4; ++i) {
        sum += weighted(i, i + 1);
        less += is_smaller(step + (s32)i, -1);
    }
    __sync_fetch_and_add(&rounds, 1);
    u32 key = 1;
    struct totals *total = bpf_map_lookup_elem(&totals, &key);
    if (!total) return 0;
    total->sum = sum;
    total->rounds = rounds > 0;
    smaller = less;  // -3 and -2 are
    answer = sum;    // 4321
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
