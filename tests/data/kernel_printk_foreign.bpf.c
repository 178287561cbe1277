// SPDX-License-Identifier: MIT OR GPL-2.0
// Another object that prints into trace_pipe at the same time as kernel_printk_ours.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

const volatile u32 process;
u64 hits;

SEC("tracepoint/syscalls/sys_enter_getpgid")
int print(void *ctx) {
    if (bpf_get_current_pid_tgid() >> 32 != process) return 0;
    bpf_printk("another program: hit %d", ++hits);
    return 0;
}
