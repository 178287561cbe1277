// SPDX-License-Identifier: MIT OR GPL-2.0
// Maps of maps and program arrays with what their definitions put into them.
#include <minibpf_helpers.h>

struct inner_t {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, u32);
    __type(value, u32);
};

struct inner_t first SEC(".maps"), second SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 4);
    __type(key, u32);
    __array(values, struct inner_t);
} outer SEC(".maps") = {.values = {[1] = &first, [3] = &second}};

struct {
    __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
    __uint(max_entries, 8);
    __type(key, u32);
    __array(values, struct inner_t);
} empty_outer SEC(".maps");

int next(void *ctx);

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 3);
    __uint(key_size, sizeof(u32));
    __array(values, int(void *));
} programs SEC(".maps") = {.values = {[2] = (void *)&next}};

u64 tail_calls;
u32 found;

SEC("raw_tp/sys_enter") int next(void *ctx) {
    ++tail_calls;
    return 0;
}

SEC("raw_tp/sys_enter") int hello(void *ctx) {
    u32 key = 1, zero = 0;
    void *inner = bpf_map_lookup_elem(&outer, &key);
    u32 *value = inner ? bpf_map_lookup_elem(inner, &zero) : 0;
    if (value) found = *value + 1;
    bpf_tail_call(ctx, &programs, 2);
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
