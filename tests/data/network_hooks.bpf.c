// SPDX-License-Identifier: MIT OR GPL-2.0
// One program for each network hook: it counts and lets pass.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

u64 hits;
u64 second_hits;
u64 order; // of the last two programs: 12 when `first` ran before `second`

static __always_inline int count(int verdict) {
    __sync_fetch_and_add(&hits, 1);
    return verdict;
}

struct {
    __uint(type, BPF_MAP_TYPE_SOCKMAP);
    __uint(max_entries, 4);
    __type(key, u32);
    __type(value, u64);
} sockets SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, u32);
    __type(value, u32);
} no_sockets SEC(".maps");

SEC("xdp") int on_xdp(struct xdp_md *ctx) { return count(XDP_PASS); }

SEC("xdp") int on_xdp_too(struct xdp_md *ctx) {
    __sync_fetch_and_add(&second_hits, 1);
    return XDP_PASS;
}

SEC("tc") int on_tc(struct __sk_buff *skb) { return count(-1); } /* TC_ACT_UNSPEC: the next one decides */

SEC("tc") int first(struct __sk_buff *skb) {
    order = order * 10 + 1;
    return -1;
}

SEC("tc") int second(struct __sk_buff *skb) {
    order = order * 10 + 2;
    return -1;
}

SEC("socket") int on_socket(struct __sk_buff *skb) { return count(skb->len); }

SEC("sk_reuseport") int on_reuseport(struct sk_reuseport_md *ctx) { return count(SK_PASS); }

SEC("sk_skb/stream_verdict") int on_stream_verdict(struct __sk_buff *skb) { return count(SK_PASS); }

SEC("sk_skb/verdict") int on_verdict(struct __sk_buff *skb) { return count(SK_PASS); }

/* Every message is of four bytes. */
SEC("sk_skb/stream_parser") int on_stream_parser(struct __sk_buff *skb) {
    __sync_fetch_and_add(&second_hits, 1);
    return 4;
}

SEC("sk_msg") int on_msg(struct sk_msg_md *msg) { return count(SK_PASS); }

SEC("sk_lookup") int on_lookup(struct bpf_sk_lookup *ctx) { return count(SK_PASS); }

SEC("flow_dissector") int on_dissection(struct __sk_buff *skb) { return count(BPF_OK); }

SEC("cgroup_skb/egress") int on_egress(struct __sk_buff *skb) { return count(1); }
SEC("cgroup_skb/egress") int first_egress(struct __sk_buff *skb) {
    order = order * 10 + 1;
    return 1;
}
SEC("cgroup_skb/egress") int second_egress(struct __sk_buff *skb) {
    order = order * 10 + 2;
    return 1;
}
SEC("cgroup_skb/ingress") int on_ingress(struct __sk_buff *skb) { return count(1); }
SEC("cgroup/sock_create") int on_sock_create(struct bpf_sock *ctx) { return count(1); }
SEC("cgroup/sock_release") int on_sock_release(struct bpf_sock *ctx) { return count(1); }
SEC("cgroup/post_bind4") int on_post_bind4(struct bpf_sock *ctx) { return count(1); }
SEC("cgroup/post_bind6") int on_post_bind6(struct bpf_sock *ctx) { return count(1); }
SEC("cgroup/bind4") int on_bind4(struct bpf_sock_addr *ctx) { return count(1); }
SEC("cgroup/bind6") int on_bind6(struct bpf_sock_addr *ctx) { return count(1); }
SEC("cgroup/connect4") int on_connect4(struct bpf_sock_addr *ctx) { return count(1); }
SEC("cgroup/connect6") int on_connect6(struct bpf_sock_addr *ctx) { return count(1); }
SEC("cgroup/sendmsg4") int on_sendmsg4(struct bpf_sock_addr *ctx) { return count(1); }
SEC("cgroup/sendmsg6") int on_sendmsg6(struct bpf_sock_addr *ctx) { return count(1); }
SEC("cgroup/recvmsg4") int on_recvmsg4(struct bpf_sock_addr *ctx) { return count(1); }
SEC("cgroup/recvmsg6") int on_recvmsg6(struct bpf_sock_addr *ctx) { return count(1); }
SEC("cgroup/getpeername4") int on_getpeername4(struct bpf_sock_addr *ctx) { return count(1); }
SEC("cgroup/getpeername6") int on_getpeername6(struct bpf_sock_addr *ctx) { return count(1); }
SEC("cgroup/getsockname4") int on_getsockname4(struct bpf_sock_addr *ctx) { return count(1); }
SEC("cgroup/getsockname6") int on_getsockname6(struct bpf_sock_addr *ctx) { return count(1); }
SEC("cgroup/getsockopt") int on_getsockopt(struct bpf_sockopt *ctx) { return count(1); }
SEC("cgroup/setsockopt") int on_setsockopt(struct bpf_sockopt *ctx) { return count(1); }
SEC("cgroup/sysctl") int on_sysctl(struct bpf_sysctl *ctx) { return count(1); }
SEC("cgroup/dev") int on_device(struct bpf_cgroup_dev_ctx *ctx) { return count(1); }
SEC("sockops") int on_sockops(struct bpf_sock_ops *ctx) { return count(1); }
