// SPDX-License-Identifier: MIT OR GPL-2.0
//
// A ring buffer event for each execve, and a per-CPU count of them: for the tests of the command.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct event_t {
    u32 pid;
    char command[16];
};

const struct event_t *unused_event_t __attribute__((unused));

const volatile u32 enabled = 1;
u32 seen = 0;

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096);
} events SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, u32);
    __type(value, u64);
} counts SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_execve")
int on_execve(void *ctx)
{
    u32 zero = 0;
    u64 *count = bpf_map_lookup_elem(&counts, &zero);
    struct event_t *event;

    if (!enabled)
        return 0;
    seen++;
    if (count)
        *count += 1;
    event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
    if (!event)
        return 0;
    event->pid = bpf_get_current_pid_tgid() >> 32;
    bpf_get_current_comm(event->command, sizeof(event->command));
    bpf_ringbuf_submit(event, 0);
    return 0;
}
