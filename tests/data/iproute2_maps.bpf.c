// SPDX-License-Identifier: MIT OR GPL-2.0
// Maps as iproute2's examples declare them (struct bpf_elf_map), one of them a map of maps.
#include <minibpf_helpers.h>

struct bpf_elf_map {
    u32 type, size_key, size_value, max_elem, flags, id, pinning, inner_id, inner_idx;
};

struct bpf_elf_map SEC("maps") counters = {
    .type = BPF_MAP_TYPE_ARRAY, .size_key = 4, .size_value = 8, .max_elem = 2, .id = 42, .inner_idx = 1};

struct bpf_elf_map SEC("maps") by_interface = {.type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
                                               .size_key = 4,
                                               .size_value = 4,
                                               .max_elem = 3,
                                               .pinning = 2,
                                               .inner_id = 42,
                                               .inner_idx = 0xffffffff};

SEC("classifier") int count(struct __sk_buff *skb) {
    u32 key = 1;
    void *inner = bpf_map_lookup_elem(&by_interface, &key);
    u64 *value = inner ? bpf_map_lookup_elem(inner, &key) : 0;
    if (value) ++*value;
    return bpf_map_lookup_elem(&counters, &key) ? 0 : -1;
}

char LICENSE[] SEC("license") = "GPL";
