// SPDX-License-Identifier: MIT OR GPL-2.0
// Functions and types that the kernel does not have itself, but its module nf_conntrack. The module need not be loaded for this
// file to compile.
#include <minibpf_helpers.h>

struct nf_conn {
    unsigned long status;
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct bpf_ct_opts___asked {
    u8 l4proto;
};
#pragma clang attribute pop

// As the functions take it; a newer kernel's is longer.
struct bpf_ct_opts {
    s32 netns_id, error;
    u8 l4proto, dir, reserved[2];
};

extern struct nf_conn *bpf_xdp_ct_lookup(struct xdp_md *packet, struct bpf_sock_tuple *tuple, u32 tuple_size,
                                         struct bpf_ct_opts *options, u32 options_size) __ksym;
extern void bpf_ct_release(struct nf_conn *connection) __ksym;

u32 size, offset, type_id;

SEC("raw_tp/sys_enter") int ask(void *ctx) {
    struct bpf_ct_opts___asked *options = 0;
    size = __builtin_preserve_type_info(*options, 1);  // BPF_TYPE_SIZE
    offset = __builtin_preserve_field_info(options->l4proto, 0);
    type_id = __builtin_btf_type_id(*options, 1);  // BPF_TYPE_ID_TARGET
    return 0;
}

SEC("xdp") int look_up(struct xdp_md *packet) {
    struct bpf_sock_tuple tuple = {};
    struct bpf_ct_opts options = {.netns_id = -1, .l4proto = 6};
    struct nf_conn *connection = bpf_xdp_ct_lookup(packet, &tuple, sizeof(tuple.ipv4), &options, sizeof(options));
    if (connection) bpf_ct_release(connection);
    return 2;  // XDP_PASS
}

SEC("fentry/nf_conntrack_in") int on_packet(void *ctx) { return 0; }
SEC("fexit/nf_conntrack:nf_conntrack_in") int after_packet(void *ctx) { return 0; }

char LICENSE[] SEC("license") = "GPL";
