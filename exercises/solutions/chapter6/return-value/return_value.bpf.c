// SPDX-License-Identifier: MIT OR GPL-2.0
//
// A return value is in r0.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* Lets every packet pass. */
SEC("xdp")
int return_value(struct xdp_md *ctx)
{
    return XDP_PASS;
}
