// SPDX-License-Identifier: MIT OR GPL-2.0
// Programs for hooks that not every kernel knows: an object of their own, for which each is loaded when it is asked for.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

u64 hits;

static __always_inline int count(int verdict) {
    __sync_fetch_and_add(&hits, 1);
    return verdict;
}

SEC("cgroup/connect_unix") int on_connect_unix(struct bpf_sock_addr *ctx) { return count(1); }
SEC("cgroup/sendmsg_unix") int on_sendmsg_unix(struct bpf_sock_addr *ctx) { return count(1); }
SEC("cgroup/recvmsg_unix") int on_recvmsg_unix(struct bpf_sock_addr *ctx) { return count(1); }
SEC("cgroup/getpeername_unix") int on_getpeername_unix(struct bpf_sock_addr *ctx) { return count(1); }
SEC("cgroup/getsockname_unix") int on_getsockname_unix(struct bpf_sock_addr *ctx) { return count(1); }

SEC("netfilter") int on_netfilter(void *ctx) { return count(1); } /* NF_ACCEPT */

SEC("lsm_cgroup/socket_create") int on_socket_create(void *ctx) { return count(1); }
