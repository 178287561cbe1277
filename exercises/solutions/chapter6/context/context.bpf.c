// SPDX-License-Identifier: MIT OR GPL-2.0
//
// struct xdp_md (linux/bpf.h) has it as ingress_ifindex.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

int interface;

/* Sets `interface` to the number of the interface by which the packet came in, and lets it pass. */
SEC("xdp")
int context(struct xdp_md *ctx)
{
    interface = ctx->ingress_ifindex;
    return XDP_PASS;
}
