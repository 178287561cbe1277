// SPDX-License-Identifier: MIT OR GPL-2.0
// Two tables of functions, one of them optional. Which functions are loaded is decided by the tables that have them, not
// by the functions' own sections.
#include <minibpf_helpers.h>

struct sock;

struct tcp_congestion_ops {
    u32 (*ssthresh)(struct sock *sk);
    u32 (*undo_cwnd)(struct sock *sk);
    void (*cong_avoid)(struct sock *sk, u32 ack, u32 acked);
    char name[16];
};

SEC("struct_ops/ssthresh") u32 both_ssthresh(u64 *ctx) { return 2; }

SEC("?struct_ops/undo_cwnd") u32 made_undo_cwnd(u64 *ctx) { return 10; }

SEC("struct_ops/undo_cwnd") u32 spare_undo_cwnd(u64 *ctx) { return 20; }

SEC("?struct_ops/cong_avoid") int both_cong_avoid(u64 *ctx) { return 0; }

SEC(".struct_ops")
struct tcp_congestion_ops made = {
    .ssthresh = (void *)both_ssthresh,
    .undo_cwnd = (void *)made_undo_cwnd,
    .cong_avoid = (void *)both_cong_avoid,
    .name = "minibpf_made",
};

SEC("?.struct_ops")
struct tcp_congestion_ops spare = {
    .ssthresh = (void *)both_ssthresh,
    .undo_cwnd = (void *)spare_undo_cwnd,
    .cong_avoid = (void *)both_cong_avoid,
    .name = "minibpf_spare",
};

char LICENSE[] SEC("license") = "GPL";
