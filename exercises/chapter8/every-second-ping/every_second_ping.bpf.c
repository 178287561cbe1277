// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Exercise: of the pings that come in, lose every second one.
#include "../chapter8/packet.h"

#include <linux/pkt_cls.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

u32 pings;

SEC("tc")
int lose_some(struct __sk_buff *skb)
{
    if (ping_request((void *)(long)skb->data, (void *)(long)skb->data_end))
        pings++;
    return TC_ACT_OK;
}
