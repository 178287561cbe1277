// SPDX-License-Identifier: MIT OR GPL-2.0
// Programs that are not attached, but put into the elements of maps to which another one redirects packets.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct {
    __uint(type, BPF_MAP_TYPE_DEVMAP);
    __uint(max_entries, 4);
    __type(key, u32);
    __type(value, struct bpf_devmap_val);
} ports SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_CPUMAP);
    __uint(max_entries, 4);
    __type(key, u32);
    __type(value, struct bpf_cpumap_val);
} processors SEC(".maps");

u64 hits;

static long (*const bpf_redirect_map)(void *map, u64 key, u64 flags) = (void *)51;

SEC("xdp") int to_processor(struct xdp_md *ctx) { return bpf_redirect_map(&processors, 0, XDP_PASS); }

SEC("xdp/devmap") int on_device(struct xdp_md *ctx) { return XDP_PASS; }

SEC("xdp/cpumap") int on_processor(struct xdp_md *ctx) {
    __sync_fetch_and_add(&hits, 1);
    return XDP_PASS;
}
