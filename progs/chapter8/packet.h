/* SPDX-License-Identifier: MIT OR GPL-2.0
 *
 * Chapter 8: the headers of an ICMP packet, one after another:
 *
 *     | Ethernet, 14 bytes | IPv4, 20 bytes without options | ICMP: type, code, checksum, ... |
 *       to, from, protocol   ..., protocol, ..., from, to
 */
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>

#include "minibpf_helpers.h"

struct icmp_header { /* <linux/icmp.h> wants more of the C library than there is for BPF */
    u8 type;
    u8 code;
    u16 checksum;
};
enum { ICMP_ECHO_REPLY = 0, ICMP_ECHO_REQUEST = 8 };

struct icmp_packet {
    struct ethhdr ethernet;
    struct iphdr ip;
    struct icmp_header icmp;
} __attribute__((packed));

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define network_order16(number) __builtin_bswap16(number)
#else
#define network_order16(number) (number)
#endif

/* The packet if it is a ping, else NULL. The verifier lets a program read only as far as it has compared with `end`. */
static __always_inline struct icmp_packet *ping_request(void *begin, void *end)
{
    struct icmp_packet *packet = begin;

    if ((void *)(packet + 1) > end)
        return 0;
    if (packet->ethernet.h_proto != network_order16(ETH_P_IP))
        return 0;
    if (packet->ip.ihl != 5 || packet->ip.protocol != IPPROTO_ICMP)
        return 0;
    if (packet->icmp.type != ICMP_ECHO_REQUEST)
        return 0;
    return packet;
}
