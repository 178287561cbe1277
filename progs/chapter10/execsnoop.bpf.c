// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Chapter 10, execsnoop: which programs are executed, with their arguments, and with what result. When execve(2) ends the old
// program and its memory are gone, so the arguments are collected when it begins, in a map: an event is larger than the 512
// bytes that a program has on its stack.
#include "minibpf_tracing.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define ARGUMENT_SIZE 64 /* how much of one argument is kept */
#define MOST_ARGUMENTS 20

struct event {
    u32 pid;
    u32 parent_pid;
    s32 result;    /* 0, or -errno */
    u32 args_size; /* bytes of args that are used */
    char command[16];
    char args[480]; /* one after another, each with its 0 */
};

/* So that user space finds it in the BTF: --events events:event. */
const struct event *unused_event __attribute__((unused));

const struct event nothing = {};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1024);
    __type(key, u32);
    __type(value, struct event);
} executing SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 256 * 1024);
} events SEC(".maps");

/* Appends a string of the caller's memory; nonzero when there is none, or no room. */
static __always_inline int append(struct event *event, const char *text)
{
    u32 size = event->args_size;
    long added;

    if (size > sizeof(event->args) - ARGUMENT_SIZE)
        return -1;
    added = bpf_probe_read_user_str(&event->args[size], ARGUMENT_SIZE, text);
    if (added < 0)
        return -1;
    event->args_size = size + added;
    return 0;
}

SEC("tp/syscalls/sys_enter_execve")
int execve_begins(struct trace_event_raw_sys_enter *ctx)
{
    const char **argv = (const char **)ctx->args[1];
    struct task_struct *task = (struct task_struct *)bpf_get_current_task();
    u32 pid = bpf_get_current_pid_tgid() >> 32;
    struct event *event;

    bpf_map_update_elem(&executing, &pid, &nothing, BPF_ANY);
    event = bpf_map_lookup_elem(&executing, &pid);
    if (!event)
        return 0;
    event->pid = pid;
    event->parent_pid = BPF_CORE_READ(task, real_parent, tgid);
    append(event, (const char *)ctx->args[0]); /* the path, where argv[0] has only a name */
    for (int i = 1; i < MOST_ARGUMENTS; i++) {
        const char *argument = 0;

        bpf_probe_read_user(&argument, sizeof(argument), &argv[i]);
        if (!argument || append(event, argument))
            break;
    }
    return 0;
}

SEC("tp/syscalls/sys_exit_execve")
int execve_ends(struct trace_event_raw_sys_exit *ctx)
{
    u32 pid = bpf_get_current_pid_tgid() >> 32;
    struct event *event = bpf_map_lookup_elem(&executing, &pid);

    if (!event)
        return 0;
    event->result = ctx->ret;
    bpf_get_current_comm(event->command, sizeof(event->command)); /* the new program's, if it could be executed */
    bpf_ringbuf_output(&events, event, sizeof(*event), 0);
    bpf_map_delete_elem(&executing, &pid);
    return 0;
}
