// SPDX-License-Identifier: MIT OR GPL-2.0
// One map of each type that kernels have, named as the type is. Each is loaded by itself, for no kernel has them all.
#include <minibpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define CGRP_STORAGE 32 /* Linux 6.2 */
#define ARENA 33        /* Linux 6.9 */

struct record_t {
    u64 when;
    u32 what;
};

struct prefix_t {
    u32 prefixlen;
    u8 address[4];
};

struct cgroup_key_t {
    u64 cgroup_inode_id;
    u32 attach_type;
};

#define KEYED(map_name, map_type, key_t, value_t, entries, flags) \
    struct {                                                      \
        __uint(type, map_type);                                   \
        __type(key, key_t);                                       \
        __type(value, value_t);                                   \
        __uint(max_entries, entries);                             \
        __uint(map_flags, flags);                                 \
    } map_name SEC(".maps")

KEYED(hash, BPF_MAP_TYPE_HASH, u64, struct record_t, 16, BPF_F_NO_PREALLOC);
KEYED(array, BPF_MAP_TYPE_ARRAY, u32, struct record_t, 3, BPF_F_MMAPABLE);
KEYED(percpu_hash, BPF_MAP_TYPE_PERCPU_HASH, u32, u64, 16, 0);
KEYED(percpu_array, BPF_MAP_TYPE_PERCPU_ARRAY, u32, u64, 4, 0);
KEYED(lru_hash, BPF_MAP_TYPE_LRU_HASH, u32, u64, 64, BPF_F_NO_COMMON_LRU);
KEYED(lru_percpu_hash, BPF_MAP_TYPE_LRU_PERCPU_HASH, u32, u64, 64, 0);
KEYED(lpm_trie, BPF_MAP_TYPE_LPM_TRIE, struct prefix_t, u32, 8, BPF_F_NO_PREALLOC);
KEYED(cgroup_storage, BPF_MAP_TYPE_CGROUP_STORAGE, struct cgroup_key_t, struct record_t, 0, 0);
KEYED(percpu_cgroup_storage, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, struct cgroup_key_t, u64, 0, 0);
KEYED(sk_storage, BPF_MAP_TYPE_SK_STORAGE, int, struct record_t, 0, BPF_F_NO_PREALLOC);
KEYED(inode_storage, BPF_MAP_TYPE_INODE_STORAGE, int, struct record_t, 0, BPF_F_NO_PREALLOC);
KEYED(task_storage, BPF_MAP_TYPE_TASK_STORAGE, int, struct record_t, 0, BPF_F_NO_PREALLOC);
KEYED(cgrp_storage, CGRP_STORAGE, int, struct record_t, 0, BPF_F_NO_PREALLOC);

// Types of keys and values that the kernel takes no BTF for: it is not to see them.
KEYED(stack_trace, BPF_MAP_TYPE_STACK_TRACE, u32, u64[16], 32, 0);
KEYED(devmap, BPF_MAP_TYPE_DEVMAP, u32, struct bpf_devmap_val, 8, 0);
KEYED(devmap_hash, BPF_MAP_TYPE_DEVMAP_HASH, u32, u32, 8, 0);
KEYED(cpumap, BPF_MAP_TYPE_CPUMAP, u32, struct bpf_cpumap_val, 1, 0);
KEYED(xskmap, BPF_MAP_TYPE_XSKMAP, u32, u32, 2, 0);
KEYED(sockmap, BPF_MAP_TYPE_SOCKMAP, u32, u64, 2, 0);
KEYED(sockhash, BPF_MAP_TYPE_SOCKHASH, u64, u32, 2, 0);
KEYED(reuseport_sockarray, BPF_MAP_TYPE_REUSEPORT_SOCKARRAY, u32, u64, 2, 0);

// The least that such a definition can say.
struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 5);
} prog_array SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
} perf_event_array SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
    __uint(max_entries, 2);
} cgroup_array SEC(".maps");

struct inner_t {
    __uint(type, BPF_MAP_TYPE_HASH);
    __type(key, u32);
    __type(value, u64);
    __uint(max_entries, 7);
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 2);
    __array(values, struct inner_t);
} array_of_maps SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
    __uint(max_entries, 2);
    __type(key, u64);
    __array(values, struct inner_t);
} hash_of_maps SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_QUEUE);
    __uint(max_entries, 4);
    __type(value, struct record_t);
} queue SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_STACK);
    __uint(max_entries, 4);
    __uint(value_size, 12);
} stack SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
    __uint(max_entries, 100);
    __type(value, struct record_t);
    __uint(map_extra, 3);
} bloom_filter SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096);
} ringbuf SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_USER_RINGBUF);
    __uint(max_entries, 8192);
} user_ringbuf SEC(".maps");

struct {
    __uint(type, ARENA);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 2);
    __ulong(map_extra, 1 << 30);
} arena SEC(".maps");

struct tcp_congestion_ops {
    u32 (*ssthresh)(void *sk);
    u32 (*undo_cwnd)(void *sk);
    void (*cong_avoid)(void *sk, u32 ack, u32 acked);
    char name[16];
};

SEC("struct_ops/ssthresh") u32 test_ssthresh(u64 *ctx) { return 2; }
SEC("struct_ops/undo_cwnd") u32 test_undo_cwnd(u64 *ctx) { return 10; }
SEC("struct_ops/cong_avoid") int test_cong_avoid(u64 *ctx) { return 0; }

SEC(".struct_ops") struct tcp_congestion_ops struct_ops = {
    .ssthresh = (void *)test_ssthresh,
    .undo_cwnd = (void *)test_undo_cwnd,
    .cong_avoid = (void *)test_cong_avoid,
    .name = "minibpf_types",
};
