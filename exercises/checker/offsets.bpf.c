// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Chapter 5, another kernel's types: reads one member of a struct of the kernel. Where it lies, the loader finds out.
#include "minibpf_core.h"
#include "vmlinux.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

int tgid;

SEC("raw_tp/sched_process_exit")
int read_offset(void *ctx)
{
    struct task_struct *task = (struct task_struct *)bpf_get_current_task();

    tgid = BPF_CORE_READ(task, tgid);
    return 0;
}
