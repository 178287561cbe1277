// SPDX-License-Identifier: MIT OR GPL-2.0
#include "minibpf_tracing.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct task_struct___end {
    int exit_code;
    char comm[16];
} __attribute__((preserve_access_index));

SEC("tp_btf/sched_process_exit")
int BPF_PROG(hello, struct task_struct___end *task)
{
    bpf_printk("%s ends with %d", task->comm, task->exit_code >> 8);
    return 0;
}
