// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Chapter 8: four places in the network stack. A packet that comes in passes xdp, then the packet sockets with their filters
// (where tcpdump sits), then tc ingress, then IP and TCP; a connection that goes out begins with tcp_v4_connect().
#include "packet.h"

#include <linux/pkt_cls.h>

#include "minibpf_tracing.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("kprobe/tcp_v4_connect")
int BPF_KPROBE(tcp_connect)
{
    bpf_printk("TCP connection");
    return 0;
}

/* How much of the packet the socket gets; 0: nothing. The packet itself goes its way in any case. */
SEC("socket")
int socket_filter(struct __sk_buff *skb)
{
    u8 protocol;

    if (skb->protocol != network_order16(ETH_P_IP))
        return 0;
    if (bpf_skb_load_bytes(skb, ETH_HLEN + __builtin_offsetof(struct iphdr, protocol), &protocol, 1) < 0)
        return 0;
    return protocol == IPPROTO_TCP ? skb->len : 0;
}

SEC("xdp")
int xdp_ping(struct xdp_md *ctx)
{
    if (ping_request((void *)(long)ctx->data, (void *)(long)ctx->data_end))
        bpf_printk("XDP: got ping packet");
    return XDP_PASS;
}

/* The tc programs: one of them at a time. */
SEC("tc")
int tc_drop(struct __sk_buff *skb)
{
    bpf_printk("tc: dropped a packet");
    return TC_ACT_SHOT;
}

SEC("tc")
int tc_drop_ping(struct __sk_buff *skb)
{
    if (!ping_request((void *)(long)skb->data, (void *)(long)skb->data_end))
        return TC_ACT_OK;
    bpf_printk("tc: dropped a ping");
    return TC_ACT_SHOT;
}

/* Answers the ping itself: the packet goes back where it came from, with both addresses of both headers swapped and as an
 * answer. The IP header's checksum stays, for its sum has the same terms; the ICMP header's has to follow the type. */
SEC("tc")
int tc_pingpong(struct __sk_buff *skb)
{
    struct icmp_packet *packet = ping_request((void *)(long)skb->data, (void *)(long)skb->data_end);
    u32 from_ip;
    u8 from_mac[ETH_ALEN];

    if (!packet)
        return TC_ACT_OK;
    bpf_printk("tc: answered a ping");

    __builtin_memcpy(from_mac, packet->ethernet.h_source, ETH_ALEN);
    __builtin_memcpy(packet->ethernet.h_source, packet->ethernet.h_dest, ETH_ALEN);
    __builtin_memcpy(packet->ethernet.h_dest, from_mac, ETH_ALEN);
    from_ip = packet->ip.saddr;
    packet->ip.saddr = packet->ip.daddr;
    packet->ip.daddr = from_ip;
    packet->icmp.type = ICMP_ECHO_REPLY;

    /* Type and code are the upper and the lower byte of one of the numbers that are summed. */
    bpf_l4_csum_replace(skb, __builtin_offsetof(struct icmp_packet, icmp.checksum),
                        network_order16(ICMP_ECHO_REQUEST << 8), network_order16(ICMP_ECHO_REPLY << 8), sizeof(u16));
    return bpf_redirect(skb->ifindex, 0);
}
