// SPDX-License-Identifier: MIT OR GPL-2.0
// Map definitions as they were before BTF.
#include <minibpf_helpers.h>

struct bpf_map_def {
    u32 type, key_size, value_size, max_entries, map_flags;
};

struct bpf_map_def SEC("maps") counts = {BPF_MAP_TYPE_HASH, 8, 8, 100, BPF_F_NO_PREALLOC};
struct bpf_map_def SEC("maps") output = {BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 0, 0};

SEC("raw_tracepoint/sys_enter") int hello(void *ctx) {
    u64 key = bpf_get_current_uid_gid();
    u64 *count = bpf_map_lookup_elem(&counts, &key);
    bpf_perf_event_output(ctx, &output, BPF_F_CURRENT_CPU, &key, sizeof(key));
    return count ? 1 : 0;
}

char LICENSE[] SEC("license") = "GPL";
