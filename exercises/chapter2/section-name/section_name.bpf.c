// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Exercise: a line for each file that is deleted, by unlinkat(2). The section has the type of a program but not its place, so
// it can be loaded but not attached without being told where.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("tracepoint")
int deleted(void *ctx)
{
    bpf_printk("a file is deleted");
    return 0;
}
