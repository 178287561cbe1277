// SPDX-License-Identifier: MIT
//
// Chapter 6: bpf_probe_read_kernel() is one of the helpers that are for GPL-compatible programs only, and this one says it is none.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Proprietary";

SEC("ksyscall/execve")
int not_gpl(void *ctx)
{
    u64 first = 0;

    bpf_probe_read_kernel(&first, sizeof(first), ctx);
    return first != 0;
}
