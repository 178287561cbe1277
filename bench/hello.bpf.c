// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Object (a) of the benchmark: a raw tracepoint and bpf_printk(), whose format is a constant in .rodata.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "GPL";

SEC("raw_tp/sys_enter")
int hello(void *ctx)
{
    bpf_printk("Hello World!");
    return 0;
}
