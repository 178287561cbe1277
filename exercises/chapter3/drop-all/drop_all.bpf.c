// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Exercise: return 0. What becomes of the packets?
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

int counter = 0;

SEC("xdp")
int drop_all(struct xdp_md *ctx)
{
    counter++;
    return XDP_PASS;
}
