// SPDX-License-Identifier: MIT OR GPL-2.0
//
// What exercises let one look at: a program and a map with types, loaded by the checker.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct record {
    u32 visits;
    u32 score;
    char player[8];
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 16);
    __type(key, u32);
    __type(value, struct record);
} inspect_map SEC(".maps");

SEC("xdp")
int inspect_me(struct xdp_md *ctx)
{
    u32 key = 7;
    struct record *record = bpf_map_lookup_elem(&inspect_map, &key);

    if (record)
        __sync_fetch_and_add(&record->visits, 1);
    return XDP_PASS;
}
