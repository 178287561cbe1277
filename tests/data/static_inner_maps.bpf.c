// SPDX-License-Identifier: MIT OR GPL-2.0
// Values that only an offset tells apart: static maps have no symbols of their own in the relocation records. And keys
// of other sizes than an array's.
#include <minibpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct inner_t {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, u32);
    __type(value, u32);
};

static struct inner_t first SEC(".maps"), second SEC(".maps"), third SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 4);
    __array(values, struct inner_t);
} by_index SEC(".maps") = {.values = {[1] = &first, [3] = &second}};

struct {
    __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
    __uint(max_entries, 4);
    __type(key, u64);
    __array(values, struct inner_t);
} by_number SEC(".maps") = {.values = {[2] = &third}};

struct {
    __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
    __uint(max_entries, 4);
    __type(key, u8);
    __array(values, struct inner_t);
} by_byte SEC(".maps") = {.values = {[3] = &first}};

SEC("raw_tp/sys_enter") int hello(void *ctx) {
    u32 key = 1;
    return bpf_map_lookup_elem(&by_index, &key) != 0;
}
