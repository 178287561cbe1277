// SPDX-License-Identifier: MIT OR GPL-2.0
//
// A TCP congestion control out of BPF programs: how many segments may be on their way before the next acknowledgement. It does
// as Reno does: one segment more for each round trip that went well, half as many after a loss.
//
//     ./loader build/progs/struct_ops/congestion.bpf.o
//     sysctl net.ipv4.tcp_available_congestion_control          ... minibpf_reno
//     sysctl net.ipv4.tcp_congestion_control=minibpf_reno       new connections take it
//
// struct tcp_congestion_ops is the kernel's table of functions (include/net/tcp.h). The loader registers the variable `reno`, whose
// members are our programs, by an update of its map; it is there until the loader ends.
#include "minibpf_tracing.h"

char LICENSE[] SEC("license") = "GPL"; // the kernel takes congestion controls from GPL programs only

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* include/linux/tcp.h; a struct tcp_sock begins with its struct sock. */
struct tcp_sock {
    u32 snd_cwnd;     /* segments that may be on their way */
    u32 snd_cwnd_cnt; /* acknowledged since snd_cwnd grew */
    u32 snd_ssthresh; /* below it snd_cwnd doubles each round trip, above it grows by one */
    u32 prior_cwnd;   /* before the last loss */
};

#pragma clang attribute pop

struct tcp_congestion_ops {
    u32 (*ssthresh)(struct sock *sk);
    void (*cong_avoid)(struct sock *sk, u32 ack, u32 acked);
    u32 (*undo_cwnd)(struct sock *sk);
    char name[16];
};

u64 losses, acknowledged;

/* After a loss: half of what was too much, and no less than two. */
SEC("struct_ops/ssthresh")
int BPF_PROG(reno_ssthresh, struct sock *sk)
{
    u32 half = ((struct tcp_sock *)sk)->snd_cwnd / 2;

    __sync_fetch_and_add(&losses, 1);
    return half > 2 ? half : 2;
}

SEC("struct_ops/cong_avoid")
int BPF_PROG(reno_cong_avoid, struct sock *sk, u32 ack, u32 acked)
{
    struct tcp_sock *tp = (struct tcp_sock *)sk;

    __sync_fetch_and_add(&acknowledged, acked);
    if (tp->snd_cwnd < tp->snd_ssthresh) {
        tp->snd_cwnd += acked;
        return 0;
    }
    tp->snd_cwnd_cnt += acked;
    if (tp->snd_cwnd_cnt >= tp->snd_cwnd) {
        tp->snd_cwnd_cnt = 0;
        tp->snd_cwnd++;
    }
    return 0;
}

/* It was no loss after all: back to what was. */
SEC("struct_ops/undo_cwnd")
int BPF_PROG(reno_undo_cwnd, struct sock *sk)
{
    struct tcp_sock *tp = (struct tcp_sock *)sk;

    return tp->snd_cwnd > tp->prior_cwnd ? tp->snd_cwnd : tp->prior_cwnd;
}

SEC(".struct_ops")
struct tcp_congestion_ops reno = {
    .ssthresh = (void *)reno_ssthresh,
    .cong_avoid = (void *)reno_cong_avoid,
    .undo_cwnd = (void *)reno_undo_cwnd,
    .name = "minibpf_reno",
};
