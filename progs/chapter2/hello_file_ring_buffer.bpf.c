// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Chapter 2: which files are opened, sent to user space through a ring buffer. The event is written where it is sent from:
// reserved in the ring, filled in, submitted.
#include "vmlinux.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct event {
    char command[16];
    char filename[64];
};

/* So that user space finds it in the BTF: --events output:event. */
const struct event *unused_event __attribute__((unused));

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 256 * 1024);
} output SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_openat")
int hello(struct trace_event_raw_sys_enter *ctx)
{
    struct event *event = bpf_ringbuf_reserve(&output, sizeof(*event), 0);

    if (!event)
        return 0; // the ring is full: this one is lost
    bpf_get_current_comm(event->command, sizeof(event->command));
    bpf_probe_read_user_str(event->filename, sizeof(event->filename), (const void *)ctx->args[1]);
    bpf_ringbuf_submit(event, 0);
    return 0;
}
