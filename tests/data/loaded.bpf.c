// SPDX-License-Identifier: MIT OR GPL-2.0
// What the tests of loaded objects look at: maps with types, and programs that can be run without being attached.
#include <minibpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct visit {
    u32 count;
    char by[8];
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 8);
    __type(key, u32);
    __type(value, struct visit);
} mb_visits SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 2);
    __uint(key_size, 4);
    __uint(value_size, 4);
} mb_jumps SEC(".maps");

u64 first_runs;
u64 second_runs;

// Leaves the packet as it is.
SEC("xdp")
int mb_first(struct xdp_md *ctx) {
    u32 key = 1;
    struct visit visit = {.count = 7, .by = "first"};
    bpf_map_update_elem(&mb_visits, &key, &visit, BPF_ANY);
    __sync_fetch_and_add(&first_runs, 1);
    return XDP_PASS;
}

// Overwrites the first byte.
SEC("xdp")
int mb_second(struct xdp_md *ctx) {
    u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    __sync_fetch_and_add(&second_runs, 1);
    if (data + 1 > end) return XDP_ABORTED;
    *data = 0xab;
    return XDP_DROP;
}

// Goes on in what mb_jumps has.
SEC("xdp")
int mb_jump(struct xdp_md *ctx) {
    bpf_tail_call(ctx, &mb_jumps, 0);
    return XDP_TX;
}

SEC("xdp")
int mb_says(struct xdp_md *ctx) {
    bpf_printk("mb_says: %d bytes", (int)(ctx->data_end - ctx->data));
    return XDP_PASS;
}

SEC("tc")
int mb_tc(struct __sk_buff *skb) {
    return skb->len == 64 ? 2 : 0;
}

SEC("socket")
int mb_socket(struct __sk_buff *skb) {
    return 33;
}

struct sum {
    u64 a, b, result;
};

SEC("syscall")
int mb_syscall(struct sum *sum) {
    sum->result = sum->a + sum->b;
    return 5;
}

SEC("raw_tp/sys_enter")
int mb_raw_tp(u64 *arguments) {
    return arguments[1] == 0x1234;
}
