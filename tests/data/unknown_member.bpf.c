// SPDX-License-Identifier: MIT OR GPL-2.0
// A map definition with a member that no map has.
#include <minibpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entrys, 3);
} counts SEC(".maps");

SEC("raw_tp/sys_enter") int hello(void *ctx) {
    u32 key = 0;
    return bpf_map_lookup_elem(&counts, &key) ? 1 : 0;
}

char LICENSE[] SEC("license") = "GPL";
