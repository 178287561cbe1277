// SPDX-License-Identifier: MIT OR GPL-2.0
// Two TCP congestion controls made of the same functions: one registered by an update of its map, one by a link.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "GPL";

struct sock;

struct tcp_congestion_ops {
    u32 (*ssthresh)(struct sock *sk);
    u32 (*undo_cwnd)(struct sock *sk);
    void (*cong_avoid)(struct sock *sk, u32 ack, u32 acked);
    void (*init)(struct sock *sk);
    char name[16];
};

u64 hits;

SEC("struct_ops/ssthresh") u32 control_ssthresh(u64 *ctx) { return 2; }

SEC("struct_ops/undo_cwnd") u32 control_undo_cwnd(u64 *ctx) { return 10; }

SEC("struct_ops/cong_avoid") int control_cong_avoid(u64 *ctx) { return 0; }

// Called for each socket that takes this control.
SEC("struct_ops/init") int control_init(u64 *ctx) {
    __sync_fetch_and_add(&hits, 1);
    return 0;
}

#define TABLE(spelling)                              \
    {                                                \
        .ssthresh = (void *)control_ssthresh,        \
        .undo_cwnd = (void *)control_undo_cwnd,      \
        .cong_avoid = (void *)control_cong_avoid,    \
        .init = (void *)control_init,                \
        .name = spelling,                            \
    }

#ifdef BY_LINK_ALONE
SEC(".struct_ops.link") struct tcp_congestion_ops by_link = TABLE("minibpf_link");
#else
SEC(".struct_ops") struct tcp_congestion_ops by_update = TABLE("minibpf_update");
SEC("?.struct_ops.link") struct tcp_congestion_ops by_link = TABLE("minibpf_link");
#endif
