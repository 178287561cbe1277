// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Exercise: tell pings (ICMP echo requests) from the answers to them (echo replies), and let both through.
#include "../chapter8/packet.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

u64 requests;
u64 replies;

SEC("xdp")
int count_pings(struct xdp_md *ctx)
{
    struct icmp_packet *packet = ping_request((void *)(long)ctx->data, (void *)(long)ctx->data_end);

    if (packet)
        __sync_fetch_and_add(&requests, 1);
    return XDP_PASS;
}
