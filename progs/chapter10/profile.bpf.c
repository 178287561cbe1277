// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Chapter 10, profile: what the processors are busy with. 99 times a second the program looks who was interrupted and where.
// The kernel puts each different stack of return addresses into `stacks` once and gives it a number; what is counted is how
// often a process was found with the same two stacks. User space makes names of the addresses.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define MOST_FRAMES 127 /* /proc/sys/kernel/perf_event_max_stack */

struct place {
    u32 pid;
    s32 kernel_stack; /* a key of `stacks`, or -errno: -EFAULT for none */
    s32 user_stack;
    char command[16];
};

const u32 only_pid = 0; /* 0: all but the idle task */

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 10240);
    __type(key, struct place);
    __type(value, u64);
} counts SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_STACK_TRACE);
    __uint(max_entries, 10240);
    __uint(key_size, sizeof(u32));
    __uint(value_size, MOST_FRAMES * sizeof(u64));
} stacks SEC(".maps");

SEC("perf_event")
int sample(void *ctx)
{
    u64 first = 1;
    u64 *count;
    struct place place = {};

    place.pid = bpf_get_current_pid_tgid() >> 32;
    if (only_pid ? place.pid != only_pid : place.pid == 0)
        return 0;
    bpf_get_current_comm(place.command, sizeof(place.command));
    place.kernel_stack = bpf_get_stackid(ctx, &stacks, 0);
    place.user_stack = bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK);

    count = bpf_map_lookup_elem(&counts, &place);
    if (count)
        __sync_fetch_and_add(count, 1);
    else
        bpf_map_update_elem(&counts, &place, &first, BPF_ANY);
    return 0;
}
