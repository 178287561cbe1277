// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Exercise: an XDP program's context has no member at this place.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

int interface;

/* Sets `interface` to the number of the interface by which the packet came in, and lets it pass. */
SEC("xdp")
int context(struct xdp_md *ctx)
{
    interface = *(volatile u32 *)((void *)ctx + 100);
    return XDP_PASS;
}
