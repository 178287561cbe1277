// SPDX-License-Identifier: MIT OR GPL-2.0
//
// data_end is the first byte that is no part of the packet, so the difference is the length.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

int bytes;

/* Sets `bytes` to the length of the packet, and lets it pass. */
SEC("xdp")
int data_end(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *data_end = (void *)(long)ctx->data_end;

    bytes = data_end - data;
    return XDP_PASS;
}
