// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Chapter 8: pings vanish. XDP sees a packet as the driver has it, before the kernel makes anything of it: what is dropped
// here was never there.
#include "packet.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

u64 pings;

SEC("xdp")
int ping(struct xdp_md *ctx)
{
    if (!ping_request((void *)(long)ctx->data, (void *)(long)ctx->data_end))
        return XDP_PASS;
    __sync_fetch_and_add(&pings, 1);
    bpf_printk("Got ping packet");
    return XDP_DROP;
}
