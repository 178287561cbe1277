// SPDX-License-Identifier: MIT OR GPL-2.0
// A map of maps, with the definition of those in it.
#include <minibpf_helpers.h>

struct inner_t {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, u32);
    __type(value, u32);
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 2);
    __type(key, u32);
    __array(values, struct inner_t);
} outer SEC(".maps");

SEC("raw_tp/sys_enter") int hello(void *ctx) {
    u32 key = 0;
    return bpf_map_lookup_elem(&outer, &key) ? 1 : 0;
}

char LICENSE[] SEC("license") = "GPL";
