// SPDX-License-Identifier: MIT OR GPL-2.0
//
// The section name has all that attaching takes.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("tracepoint/syscalls/sys_enter_unlinkat")
int deleted(void *ctx)
{
    bpf_printk("a file is deleted");
    return 0;
}
