// SPDX-License-Identifier: MIT OR GPL-2.0
// Tables of functions: one that links hold (Linux 6.4), one that is only created when asked for, with a function of its
// own, and one that no kernel has. Which functions are loaded is decided by the tables that have them, not by the
// functions' own sections.
#include <minibpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct tcp_congestion_ops {
    u32 (*ssthresh)(void *sk);
    u32 (*undo_cwnd)(void *sk);
    void (*cong_avoid)(void *sk, u32 ack, u32 acked);
    char name[16];
};

struct no_kernel_has_these_ops {
    u32 (*something)(void *sk);
};

SEC("struct_ops/ssthresh") u32 shared_ssthresh(u64 *ctx) { return 2; }
SEC("struct_ops/undo_cwnd") u32 shared_undo_cwnd(u64 *ctx) { return 10; }
SEC("?struct_ops/cong_avoid") int shared_cong_avoid(u64 *ctx) { return 0; }
SEC("?struct_ops/undo_cwnd") u32 optional_undo_cwnd(u64 *ctx) { return 20; }
SEC("struct_ops/something") u32 something(u64 *ctx) { return 0; }

SEC(".struct_ops.link") struct tcp_congestion_ops linked = {
    .ssthresh = (void *)shared_ssthresh,
    .undo_cwnd = (void *)shared_undo_cwnd,
    .cong_avoid = (void *)shared_cong_avoid,
    .name = "minibpf_link",
};

SEC("?.struct_ops") struct tcp_congestion_ops optional_one = {
    .ssthresh = (void *)shared_ssthresh,
    .undo_cwnd = (void *)optional_undo_cwnd,
    .cong_avoid = (void *)shared_cong_avoid,
    .name = "minibpf_opt",
};

SEC("?.struct_ops.link") struct no_kernel_has_these_ops missing = {.something = (void *)something};
