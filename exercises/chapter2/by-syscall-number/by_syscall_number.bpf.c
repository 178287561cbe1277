// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Exercise: count by the number of the system call instead of by user.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 10240);
    __type(key, u64);
    __type(value, u64);
} counter_table SEC(".maps");

SEC("raw_tp/sys_enter")
int hello(struct bpf_raw_tracepoint_args *ctx)
{
    u64 key = bpf_get_current_uid_gid() & 0xffffffff;
    u64 first = 1;
    u64 *counter = bpf_map_lookup_elem(&counter_table, &key);

    if (counter)
        __sync_fetch_and_add(counter, 1);
    else
        bpf_map_update_elem(&counter_table, &key, &first, BPF_ANY);
    return 0;
}
