// SPDX-License-Identifier: MIT OR GPL-2.0
// Members of the running task, where this kernel has them, and one that no kernel has.
#include <minibpf_helpers.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct task_struct {
    int pid;
    int tgid;
    struct task_struct *group_leader;
};
struct task_struct___other {
    int no_kernel_has_this_member;
};
#pragma clang attribute pop


int process;  // set before the load
int pid, leader_pid, exists = -1, missing = -1;

SEC("raw_tp/sys_enter") int hello(void *ctx) {
    struct task_struct *task = (void *)bpf_get_current_task(), *leader = 0;
    int tgid = 0;
    bpf_probe_read_kernel(&tgid, sizeof(tgid), &task->tgid);
    if (tgid != process) return 0;
    bpf_probe_read_kernel(&pid, sizeof(pid), &task->pid);
    bpf_probe_read_kernel(&leader, sizeof(leader), &task->group_leader);
    bpf_probe_read_kernel(&leader_pid, sizeof(leader_pid), &leader->pid);
    exists = __builtin_preserve_field_info(task->tgid, 2);  // BPF_FIELD_EXISTS
    struct task_struct___other *other = (void *)task;
    missing = __builtin_preserve_field_info(other->no_kernel_has_this_member, 2);
    return 0;
}

// Nothing asks whether the member is there, so that the verifier meets an instruction made invalid.
SEC("?raw_tp/sys_enter") int poisoned(void *ctx) {
    struct task_struct___other *task = (void *)bpf_get_current_task();
    int value = 0;
    bpf_probe_read_kernel(&value, sizeof(value), &task->no_kernel_has_this_member);
    return value;
}

char LICENSE[] SEC("license") = "GPL";
