// SPDX-License-Identifier: MIT
//
// Exercise: some helpers are for GPL-compatible programs only.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Proprietary";

int original;
int copy;

/* Copies `original`, which the kernel has in a map, by way of a helper. */
SEC("raw_tp/sys_enter")
int copy_it(void *ctx)
{
    bpf_probe_read_kernel(&copy, sizeof(copy), &original);
    return 0;
}
