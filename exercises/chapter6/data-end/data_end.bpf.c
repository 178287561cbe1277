// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Exercise: the end of the packet is where the kernel says.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

int bytes;

/* Sets `bytes` to the length of the packet, and lets it pass. */
SEC("xdp")
int data_end(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *data_end = (void *)(long)ctx->data_end;

    asm volatile("%0 += 1" : "+r"(data_end)); // data_end++, in a way that the compiler cannot leave out
    bytes = data_end - data;
    return XDP_PASS;
}
