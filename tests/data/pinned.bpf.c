// SPDX-License-Identifier: MIT OR GPL-2.0
// A map that is found again by the next load.
#include <minibpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 8);
    __type(key, u32);
    __type(value, u64);
    __uint(pinning, 1);
} minibpf_test_pinned SEC(".maps");

SEC("raw_tp/sys_enter") int hello(void *ctx) {
    u32 key = 0;
    return bpf_map_lookup_elem(&minibpf_test_pinned, &key) ? 1 : 0;
}

char LICENSE[] SEC("license") = "GPL";
