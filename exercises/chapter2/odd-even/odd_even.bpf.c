// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Exercise: let the line say whether the number of the process is odd or even.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("tracepoint/syscalls/sys_enter_execve")
int hello(void *ctx)
{
    bpf_printk("Hello World!");
    return 0;
}
