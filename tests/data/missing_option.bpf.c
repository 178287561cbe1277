// SPDX-License-Identifier: MIT OR GPL-2.0
// A map that is pinned, and an option that no kernel has: the load ends when the pin is there.
#include <minibpf_helpers.h>

extern int CONFIG_NO_KERNEL_HAS_THIS __kconfig;

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, u32);
    __type(value, u64);
    __uint(pinning, 1);
} minibpf_test_early SEC(".maps");

SEC("raw_tp/sys_enter") int with_map(void *ctx) {
    u32 key = 0;
    return bpf_map_lookup_elem(&minibpf_test_early, &key) ? 1 : 0;
}

SEC("raw_tp/sys_enter") int with_option(void *ctx) { return CONFIG_NO_KERNEL_HAS_THIS; }

char LICENSE[] SEC("license") = "GPL";
