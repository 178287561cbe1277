// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Exercise: print a line when a process ends, with its status: "true ends with 0".
//
// The kernel calls the tracepoint as trace_sched_process_exit(struct task_struct *task, bool group_dead), and has the status in the
// second byte of the member exit_code.
#include "minibpf_tracing.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* vmlinux.h's task_struct has only what our programs needed so far. What follows ___ does not count for CO-RE, so this is
 * another view of the same struct. */
struct task_struct___end {
    int exit_code;
    char comm[16];
} __attribute__((preserve_access_index));

SEC("tp_btf/sched_process_exec")
int BPF_PROG(hello, struct task_struct___end *task)
{
    bpf_printk("%s executes", task->comm);
    return 0;
}
