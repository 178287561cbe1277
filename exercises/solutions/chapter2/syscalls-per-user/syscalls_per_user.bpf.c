// SPDX-License-Identifier: MIT OR GPL-2.0
//
// One hook for all system calls: the raw tracepoint at their beginning.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 10240);
    __type(key, u64); /* a user */
    __type(value, u64);
} counter_table SEC(".maps");

SEC("raw_tp/sys_enter")
int hello(void *ctx)
{
    u64 uid = bpf_get_current_uid_gid() & 0xffffffff;
    u64 first = 1;
    u64 *counter = bpf_map_lookup_elem(&counter_table, &uid);

    if (counter)
        __sync_fetch_and_add(counter, 1);
    else
        bpf_map_update_elem(&counter_table, &uid, &first, BPF_ANY);
    return 0;
}
