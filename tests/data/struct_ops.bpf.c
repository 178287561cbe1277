// SPDX-License-Identifier: MIT OR GPL-2.0
// A TCP congestion control of three functions. The structs name only the members that are set: the loader finds them in
// the kernel's.
#include <minibpf_helpers.h>

struct sock;

struct tcp_congestion_ops {
    u32 (*ssthresh)(struct sock *sk);
    u32 (*undo_cwnd)(struct sock *sk);
    void (*cong_avoid)(struct sock *sk, u32 ack, u32 acked);
    char name[16];
};

SEC("struct_ops/ssthresh") u32 minibpf_ssthresh(u64 *ctx) { return 2; }

SEC("struct_ops/undo_cwnd") u32 minibpf_undo_cwnd(u64 *ctx) { return 10; }

SEC("struct_ops/cong_avoid") int minibpf_cong_avoid(u64 *ctx) { return 0; }

SEC(".struct_ops")
struct tcp_congestion_ops minibpf = {
    .ssthresh = (void *)minibpf_ssthresh,
    .undo_cwnd = (void *)minibpf_undo_cwnd,
    .cong_avoid = (void *)minibpf_cong_avoid,
    .name = "minibpf",
};

char LICENSE[] SEC("license") = "GPL";
