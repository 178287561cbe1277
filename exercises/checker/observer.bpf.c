// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Watches bpf(2) with BPF: what the processes below one process ask of it, and what they are answered. So a checker knows
// what a student's program did, in whatever language it is written.
//
//     bpf(cmd, attr, size) ---> sys_enter_bpf: the arguments, kept in `running` until
//          |
//     its return           ---> sys_exit_bpf: the result; both go into the ring `calls`
#include "minibpf_core.h"
#include "vmlinux.h"

#include "observer.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

int root;  /* the process whose descendants are watched, but not it itself */
u64 lost;  /* calls that found no room */

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1024);
    __type(key, u64); /* a thread */
    __type(value, struct observed_call);
} running SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 1024 * 1024);
} calls SEC(".maps");

static const struct observed_call empty;

/* Up the tree of processes, 32 generations at most. */
static __always_inline int is_watched(void)
{
    struct task_struct *task = (struct task_struct *)bpf_get_current_task();

    for (int i = 0; i < 32; i++) {
        int pid = BPF_CORE_READ(task, tgid);

        if (pid == root)
            return i > 0;
        if (pid <= 1)
            return 0;
        task = BPF_CORE_READ(task, real_parent);
    }
    return 0;
}

static __always_inline void read_pointed(struct observed_call *call)
{
    union bpf_attr *attr = (union bpf_attr *)call->attr;

    switch (call->command) {
    case BPF_PROG_LOAD:
        bpf_probe_read_user(call->pointed, sizeof(call->pointed), (const void *)(long)attr->insns);
        break;
    case BPF_OBJ_PIN:
    case BPF_OBJ_GET:
        bpf_probe_read_user_str(call->pointed, sizeof(call->pointed), (const void *)(long)attr->pathname);
        break;
    case BPF_RAW_TRACEPOINT_OPEN:
        bpf_probe_read_user_str(call->pointed, sizeof(call->pointed), (const void *)(long)attr->raw_tracepoint.name);
        break;
    case BPF_MAP_UPDATE_ELEM:
        bpf_probe_read_user(call->pointed, 32, (const void *)(long)attr->key);
        bpf_probe_read_user(call->pointed + 32, 64, (const void *)(long)attr->value);
        break;
    }
}

SEC("tracepoint/syscalls/sys_enter_bpf")
int enter(struct trace_event_raw_sys_enter *ctx)
{
    u64 thread = bpf_get_current_pid_tgid();
    struct observed_call *call;
    u32 size;

    if (!is_watched())
        return 0;
    bpf_map_update_elem(&running, &thread, &empty, BPF_ANY);
    call = bpf_map_lookup_elem(&running, &thread);
    if (!call) {
        __sync_fetch_and_add(&lost, 1);
        return 0;
    }
    call->pid = thread >> 32;
    call->command = ctx->args[0];
    call->size = ctx->args[2];
    call->attr_address = ctx->args[1];
    bpf_get_current_comm(call->comm, sizeof(call->comm));
    size = call->size;
    if (size > OBSERVED_ATTR)
        size = OBSERVED_ATTR;
    bpf_probe_read_user(call->attr, size, (const void *)ctx->args[1]);
    read_pointed(call);
    return 0;
}

SEC("tracepoint/syscalls/sys_exit_bpf")
int leave(struct trace_event_raw_sys_exit *ctx)
{
    u64 thread = bpf_get_current_pid_tgid();
    struct observed_call *call = bpf_map_lookup_elem(&running, &thread);

    if (!call)
        return 0;
    call->result = ctx->ret;
    if (bpf_ringbuf_output(&calls, call, sizeof(*call), 0) < 0)
        __sync_fetch_and_add(&lost, 1);
    bpf_map_delete_elem(&running, &thread);
    return 0;
}
