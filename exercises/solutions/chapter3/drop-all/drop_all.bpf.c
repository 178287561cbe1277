// SPDX-License-Identifier: MIT OR GPL-2.0
//
// 0 is XDP_ABORTED: the packet is dropped, and tracepoint xdp:xdp_exception says so.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

int counter = 0;

SEC("xdp")
int drop_all(struct xdp_md *ctx)
{
    counter++;
    return 0;
}
