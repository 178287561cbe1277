// SPDX-License-Identifier: MIT OR GPL-2.0
//
// The first program to run: says hello for every command that is executed on this machine.
//
//     ./loader progs/hello.bpf.c -c true
//
// The tracepoint sys_enter_execve is hit when a process asks for another program to be run in its place, so the line names
// the process that asked. bpf_printk() writes it to the kernel's trace buffer, which the loader reads from trace_pipe.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("tracepoint/syscalls/sys_enter_execve")
int hello(void *ctx)
{
    bpf_printk("Hello World!");
    return 0;
}
