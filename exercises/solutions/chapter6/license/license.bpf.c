// SPDX-License-Identifier: MIT OR GPL-2.0
//
// The kernel takes "GPL", "Dual MIT/GPL" and a few others (include/linux/license.h).
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

int original;
int copy;

/* Copies `original`, which the kernel has in a map, by way of a helper. */
SEC("raw_tp/sys_enter")
int copy_it(void *ctx)
{
    bpf_probe_read_kernel(&copy, sizeof(copy), &original);
    return 0;
}
