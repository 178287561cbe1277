// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Object (c) of the benchmark: a ring buffer and one CO-RE access, when the task that exits was started.
#include "kernel_types.h"

char LICENSE[] SEC("license") = "GPL";

struct event {
    u32 pid;
    u64 lived_ns;
    char command[16];
};

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 64 * 1024);
} events SEC(".maps");

SEC("raw_tp/sched_process_exit")
int process_exits(struct bpf_raw_tracepoint_args *ctx)
{
    struct task_struct *task = (void *)ctx->args[0];
    struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
    if (!event)
        return 0;

    event->pid = bpf_get_current_pid_tgid() >> 32;
    event->lived_ns = bpf_ktime_get_ns() - READ(task, start_time);
    bpf_get_current_comm(event->command, sizeof(event->command));
    bpf_ringbuf_submit(event, 0);
    return 0;
}
