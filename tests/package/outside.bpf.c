// SPDX-License-Identifier: MIT OR GPL-2.0
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

int counter = FIRST;

SEC("xdp")
int count(struct xdp_md *ctx)
{
    counter++;
    return XDP_DROP;
}
