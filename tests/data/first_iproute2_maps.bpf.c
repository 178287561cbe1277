// SPDX-License-Identifier: MIT OR GPL-2.0
// A map as the first editions of iproute2's struct bpf_elf_map declared it.
#include <minibpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct bpf_elf_map {
    u32 type, size_key, size_value, max_elem, flags, id, pinning;
};

struct bpf_elf_map SEC("maps") drops = {
    .type = BPF_MAP_TYPE_ARRAY, .size_key = 4, .size_value = 8, .max_elem = 2, .id = 1, .pinning = 2};

SEC("tc") int count(struct __sk_buff *skb) {
    u32 key = 1;
    u64 *value = bpf_map_lookup_elem(&drops, &key);
    if (value) ++*value;
    return 0;
}
