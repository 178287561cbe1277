// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Object (d) of the benchmark: four programs that follow pointers from task_struct through the kernel, 34 CO-RE accesses.
#include "kernel_types.h"

char LICENSE[] SEC("license") = "GPL";

struct event {
    u32 pid, parent, uid, gid;
    u32 threads, mode, device, argc;
    int exit_code;
    u64 inode, size;
    u64 pages, maps;
    u64 started_ns;
    u64 voluntary_switches, involuntary_switches;
    char command[16];
    char name[64];
};

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 256 * 1024);
} events SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 8192);
    __type(key, u32);
    __type(value, u64);
} started SEC(".maps");

/* raw tracepoint sched_process_exec: (task, old_pid, bprm) */
SEC("raw_tp/sched_process_exec")
int executes(struct bpf_raw_tracepoint_args *ctx)
{
    struct task_struct *task = (void *)ctx->args[0];
    struct linux_binprm *bprm = (void *)ctx->args[2];
    struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
    if (!event)
        return 0;

    struct cred *cred = READ(task, cred);
    struct file *file = READ(bprm, file);
    struct dentry *dentry = READ(file, f_path.dentry);
    struct inode *inode = READ(file, f_inode);
    event->pid = READ(task, tgid);
    event->parent = READ(READ(task, real_parent), tgid);
    event->uid = READ(cred, uid.val);
    event->gid = READ(cred, gid.val);
    event->argc = READ(bprm, argc);
    event->inode = READ(inode, i_ino);
    event->mode = READ(inode, i_mode);
    event->size = READ(inode, i_size);
    event->device = READ(READ(inode, i_sb), s_dev);
    bpf_probe_read_kernel_str(event->name, sizeof(event->name), READ(dentry, d_name.name));
    bpf_get_current_comm(event->command, sizeof(event->command));
    bpf_ringbuf_submit(event, 0);
    return 0;
}

/* raw tracepoint sched_process_fork: (parent, child) */
SEC("raw_tp/sched_process_fork")
int forks(struct bpf_raw_tracepoint_args *ctx)
{
    struct task_struct *child = (void *)ctx->args[1];
    u32 pid = READ(child, pid);
    u64 now = bpf_ktime_get_ns();
    struct nsproxy *namespaces = READ(child, nsproxy);

    if (READ(READ(namespaces, pid_ns_for_children), level) == 0)
        bpf_map_update_elem(&started, &pid, &now, 0);
    return 0;
}

/* raw tracepoint sched_process_exit: (task) */
SEC("raw_tp/sched_process_exit")
int exits(struct bpf_raw_tracepoint_args *ctx)
{
    struct task_struct *task = (void *)ctx->args[0];
    struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
    if (!event)
        return 0;

    struct signal_struct *signal = READ(task, signal);
    struct mm_struct *mm = READ(task, mm);
    event->pid = READ(task, tgid);
    event->exit_code = READ(task, exit_code);
    event->started_ns = READ(task, start_time);
    event->threads = READ(signal, nr_threads);
    event->voluntary_switches = READ(signal, nvcsw);
    event->involuntary_switches = READ(signal, nivcsw);
    event->pages = READ(mm, total_vm);
    event->maps = READ(mm, map_count);
    bpf_ringbuf_submit(event, 0);
    return 0;
}

/* raw tracepoint sched_switch: (preempt, prev, next, prev_state) */
SEC("raw_tp/sched_switch")
int switches(struct bpf_raw_tracepoint_args *ctx)
{
    struct task_struct *next = (void *)ctx->args[2];
    u32 pid = READ(next, pid);
    u64 time = READ(next, utime) + READ(next, stime);

    if (READ(next, flags) & 0x00200000 /* PF_KTHREAD */)
        return 0;
    bpf_map_update_elem(&started, &pid, &time, 0);
    return 0;
}
