// SPDX-License-Identifier: MIT OR GPL-2.0
//
// For docs/side-by-side/: a program and a map of each sort that examples/side_by_side.cpp and its counterparts in Python with BCC
// and in C with libbpf load, attach and read. Sections without a target leave it to user space where a program runs.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct event {
    u32 pid;
    char command[16];
};

const volatile u32 step = 1; /* what count_execs counts by: set before the load */

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1024);
    __type(key, u64);
    __type(value, u64);
} counts SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
    __type(key, u32);
    __type(value, u32);
} samples SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 64 * 1024);
} events SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 4);
    __type(key, u32);
    __type(value, u32);
} jumps SEC(".maps");

static __always_inline void count(u64 key)
{
    u64 *known = bpf_map_lookup_elem(&counts, &key), first = step;

    if (known)
        __sync_fetch_and_add(known, step);
    else
        bpf_map_update_elem(&counts, &key, &first, BPF_ANY);
}

SEC("raw_tp/sched_process_exec")
int count_execs(struct bpf_raw_tracepoint_args *ctx)
{
    count(bpf_get_current_uid_gid() & 0xffffffff);
    return 0;
}

SEC("tp/syscalls/sys_enter_execve")
int say_hello(void *ctx)
{
    bpf_printk("Hello from a tracepoint");
    return 0;
}

SEC("kprobe")
int at_entry(void *ctx)
{
    bpf_printk("Hello from a kprobe");
    return 0;
}

SEC("kretprobe")
int at_return(void *ctx)
{
    bpf_printk("Hello from a kretprobe");
    return 0;
}

SEC("raw_tp/sched_process_exec")
int send_sample(struct bpf_raw_tracepoint_args *ctx)
{
    struct event event = {.pid = bpf_get_current_pid_tgid() >> 32};

    bpf_get_current_comm(event.command, sizeof(event.command));
    bpf_perf_event_output(ctx, &samples, BPF_F_CURRENT_CPU, &event, sizeof(event));
    return 0;
}

SEC("raw_tp/sched_process_exec")
int send_event(struct bpf_raw_tracepoint_args *ctx)
{
    struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

    if (!event)
        return 0;
    event->pid = bpf_get_current_pid_tgid() >> 32;
    bpf_get_current_comm(event->command, sizeof(event->command));
    bpf_ringbuf_submit(event, 0);
    return 0;
}

SEC("raw_tp/sched_process_exec")
int jump(struct bpf_raw_tracepoint_args *ctx)
{
    bpf_tail_call(ctx, &jumps, 2);
    bpf_printk("Nothing to jump to");
    return 0;
}

SEC("raw_tp")
int landed(struct bpf_raw_tracepoint_args *ctx)
{
    bpf_printk("Hello after a jump");
    return 0;
}

SEC("xdp")
int drop_all(struct xdp_md *ctx)
{
    return XDP_DROP;
}
