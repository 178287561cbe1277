// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Exercise: drop UDP packets to port 7777, and let all others through.
#include "../chapter8/packet.h"

#include <linux/udp.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct udp_packet {
    struct ethhdr ethernet;
    struct iphdr ip;
    struct udphdr udp;
} __attribute__((packed));

SEC("xdp")
int drop_port(struct xdp_md *ctx)
{
    struct udp_packet *packet = (void *)(long)ctx->data;

    if ((void *)(packet + 1) > (void *)(long)ctx->data_end)
        return XDP_PASS;
    if (packet->ethernet.h_proto != network_order16(ETH_P_IP))
        return XDP_PASS;
    return XDP_DROP;
}
