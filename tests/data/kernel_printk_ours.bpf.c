// SPDX-License-Identifier: MIT OR GPL-2.0
// Prints into trace_pipe, as does kernel_printk_foreign.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

const volatile u32 process;
u64 hits;

SEC("tracepoint/syscalls/sys_enter_getpgid")
int print(void *ctx) {
    if (bpf_get_current_pid_tgid() >> 32 != process) return 0;
    bpf_printk("minibpf test: hit %d of us", ++hits);
    return 0;
}
