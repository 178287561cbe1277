// SPDX-License-Identifier: MIT OR GPL-2.0
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("tracepoint/syscalls/sys_enter_execve")
int hello(void *ctx)
{
    u32 pid = bpf_get_current_pid_tgid() >> 32;

    if (pid % 2)
        bpf_printk("Hello odd process!");
    else
        bpf_printk("Hello even process!");
    return 0;
}
