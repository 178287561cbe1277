// SPDX-License-Identifier: MIT OR GPL-2.0
// Sends events whose content the test can compute: getpgid(n) sends event number n.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct sys_enter_getpgid { // /sys/kernel/tracing/events/syscalls/sys_enter_getpgid/format
    u64 common;
    u64 nr;
    u64 pid;
};

struct numbered {
    u64 number;
    u64 square;
    u32 cpu;
};

struct {
    __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
    __type(key, u32);
    __type(value, u32);
} events SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096);
} ring SEC(".maps");

const volatile u32 process;
u64 sent;
u64 refused;
u8 bytes[8 + 512];

SEC("tracepoint/syscalls/sys_enter_getpgid")
int to_perf_buffer(struct sys_enter_getpgid *ctx) {
    struct numbered event = {};
    if (bpf_get_current_pid_tgid() >> 32 != process) return 0;
    event.number = ctx->pid;
    event.square = ctx->pid * ctx->pid;
    event.cpu = bpf_get_smp_processor_id();
    if (bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &event, sizeof(event)))
        refused++;
    else
        sent++;
    return 0;
}

// Three ways in turn: a record that is submitted, one that is discarded, and 8 + n % 512 bytes by bpf_ringbuf_output().
SEC("tracepoint/syscalls/sys_enter_getpgid")
int to_ring_buffer(struct sys_enter_getpgid *ctx) {
    u64 number = ctx->pid;
    struct numbered *event;
    if (bpf_get_current_pid_tgid() >> 32 != process) return 0;
    if (number % 3 == 2) {
        *(u64 *)bytes = number;
        if (bpf_ringbuf_output(&ring, bytes, 8 + (number & 511), 0))
            refused++;
        else
            sent++;
        return 0;
    }
    event = bpf_ringbuf_reserve(&ring, sizeof(*event), 0);
    if (!event) {
        refused++;
        return 0;
    }
    event->number = number;
    event->square = number * number;
    event->cpu = bpf_get_smp_processor_id();
    if (number % 3 == 1) {
        bpf_ringbuf_discard(event, 0);
    } else {
        bpf_ringbuf_submit(event, 0);
        sent++;
    }
    return 0;
}
