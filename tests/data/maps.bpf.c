// SPDX-License-Identifier: MIT OR GPL-2.0
// Map definitions in section .maps, with every member that a definition may have.
#include <minibpf_helpers.h>

struct message_t {
    u64 when;
    char text[12];
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 64);
    __type(key, u32);
    __type(value, struct message_t);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(pinning, 1);
} messages SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
} output SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 1 << 16);
    __type(value, struct message_t);
} ring SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(key_size, sizeof(u32));
    __uint(value_size, 24);
    __uint(max_entries, 3);
    __uint(map_flags, BPF_F_NUMA_NODE);
    __uint(numa_node, 1);
} a_map_with_a_long_name SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
    __uint(max_entries, 100);
    __uint(value_size, 8);
    __ulong(map_extra, 3);
} bloom SEC(".maps");

SEC("raw_tp/sys_enter") int hello(void *ctx) {
    u32 key = 0;
    struct message_t *message = bpf_map_lookup_elem(&messages, &key);
    if (message) bpf_perf_event_output(ctx, &output, BPF_F_CURRENT_CPU, message, sizeof(*message));
    bpf_map_lookup_elem(&a_map_with_a_long_name, &key);
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
