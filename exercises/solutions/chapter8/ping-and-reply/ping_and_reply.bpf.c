// SPDX-License-Identifier: MIT OR GPL-2.0
#include "../chapter8/packet.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

u64 requests;
u64 replies;

SEC("xdp")
int count_pings(struct xdp_md *ctx)
{
    struct icmp_packet *packet = (void *)(long)ctx->data;

    if ((void *)(packet + 1) > (void *)(long)ctx->data_end)
        return XDP_PASS;
    if (packet->ethernet.h_proto != network_order16(ETH_P_IP) || packet->ip.protocol != IPPROTO_ICMP || packet->ip.ihl != 5)
        return XDP_PASS;
    if (packet->icmp.type == ICMP_ECHO_REQUEST)
        __sync_fetch_and_add(&requests, 1);
    else if (packet->icmp.type == ICMP_ECHO_REPLY)
        __sync_fetch_and_add(&replies, 1);
    return XDP_PASS;
}
