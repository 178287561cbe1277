// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Chapter 2: a line for every program that is executed, from a kprobe on the kernel function behind execve(2).
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("ksyscall/execve")
int hello(void *ctx)
{
    bpf_printk("Hello World!");
    return 0;
}
