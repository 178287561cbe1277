// SPDX-License-Identifier: MIT OR GPL-2.0
// Pinned maps which the kernel reports with other flags or sizes than they were asked for, and ones with values.
#include <minibpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define PINNED(map_name, map_type, entries, flags) \
    struct {                                       \
        __uint(type, map_type);                    \
        __type(key, u32);                          \
        __type(value, u32);                        \
        __uint(max_entries, entries);              \
        __uint(map_flags, flags);                  \
        __uint(pinning, 1);                        \
    } map_name SEC(".maps")

PINNED(devices, BPF_MAP_TYPE_DEVMAP, 4, 0);
PINNED(device_hash, BPF_MAP_TYPE_DEVMAP_HASH, 4, 0);
PINNED(lru, BPF_MAP_TYPE_LRU_HASH, 257, BPF_F_NO_COMMON_LRU);
PINNED(readable, BPF_MAP_TYPE_ARRAY, 4, BPF_F_RDONLY);
PINNED(writable, BPF_MAP_TYPE_ARRAY, 4, BPF_F_WRONLY | BPF_F_RDONLY_PROG);
PINNED(near, BPF_MAP_TYPE_ARRAY, 4, BPF_F_NUMA_NODE);
PINNED(mapped, BPF_MAP_TYPE_ARRAY, 4, BPF_F_MMAPABLE);

struct {
    __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
    __uint(key_size, sizeof(u32));
    __uint(value_size, sizeof(u32));
    __uint(pinning, 1);
} events SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 5000);
    __uint(pinning, 1);
} ring SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
    __uint(max_entries, 10);
    __uint(value_size, 8);
    __uint(map_extra, 3);
    __uint(pinning, 1);
} bloom SEC(".maps");

int next(void *ctx);

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(key_size, sizeof(u32));
    __uint(max_entries, 3);
    __uint(pinning, 1);
    __array(values, int(void *));
} programs SEC(".maps") = {.values = {[2] = (void *)&next}};

struct inner_t {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, u32);
    __type(value, u32);
} inner SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(key_size, sizeof(u32));
    __uint(max_entries, 2);
    __uint(pinning, 1);
    __array(values, struct inner_t);
} outer SEC(".maps") = {.values = {[1] = &inner}};

u64 tail_calls;

SEC("raw_tp/sys_enter") int next(void *ctx) {
    ++tail_calls;
    return 0;
}

SEC("raw_tp/sys_enter") int hello(void *ctx) {
    bpf_tail_call(ctx, &programs, 2);
    return 0;
}
