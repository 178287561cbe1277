// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Chapter 10, opensnoop: who opens what, and with what result. The name is known when openat(2) begins, the result when it
// ends: the first program puts the name's address into `opening`, for the second one to find it by the same thread.
#include "minibpf_tracing.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct event {
    u32 pid;
    s32 result; /* the descriptor, or -errno */
    char command[16];
    char path[120];
};

/* So that user space finds it in the BTF: --events events:event. */
const struct event *unused_event __attribute__((unused));

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 10240);
    __type(key, u64);
    __type(value, unsigned long);
} opening SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 256 * 1024);
} events SEC(".maps");

SEC("tp/syscalls/sys_enter_openat")
int openat_begins(struct trace_event_raw_sys_enter *ctx)
{
    u64 thread = bpf_get_current_pid_tgid();
    unsigned long path = ctx->args[1];

    bpf_map_update_elem(&opening, &thread, &path, BPF_ANY);
    return 0;
}

SEC("tp/syscalls/sys_exit_openat")
int openat_ends(struct trace_event_raw_sys_exit *ctx)
{
    u64 thread = bpf_get_current_pid_tgid();
    unsigned long *path = bpf_map_lookup_elem(&opening, &thread);
    struct event *event;

    if (!path)
        return 0; /* it had begun before we did */
    event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
    if (event) {
        event->pid = thread >> 32;
        event->result = ctx->ret;
        bpf_get_current_comm(event->command, sizeof(event->command));
        /* By now the memory has been read, so it is there; at the beginning it might not have been. */
        if (bpf_probe_read_user_str(event->path, sizeof(event->path), (const void *)*path) < 0)
            event->path[0] = 0;
        bpf_ringbuf_submit(event, 0);
    }
    bpf_map_delete_elem(&opening, &thread);
    return 0;
}
