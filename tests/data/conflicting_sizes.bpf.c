// SPDX-License-Identifier: MIT OR GPL-2.0
// A map definition that gives the size of its key twice, differently.
#include <minibpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 3);
    __uint(key_size, 8);
    __type(key, u32);
    __type(value, u32);
} counts SEC(".maps");

SEC("raw_tp/sys_enter") int hello(void *ctx) {
    u32 key = 0;
    return bpf_map_lookup_elem(&counts, &key) ? 1 : 0;
}

char LICENSE[] SEC("license") = "GPL";
