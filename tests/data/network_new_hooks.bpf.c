// SPDX-License-Identifier: MIT OR GPL-2.0
// Programs for hooks that not every kernel knows: an object of their own, for which each is loaded when it is asked for.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

u64 hits;

static __always_inline int count(int verdict) {
    __sync_fetch_and_add(&hits, 1);
    return verdict;
}

SEC("netfilter") int on_netfilter(void *ctx) { return count(1); } /* NF_ACCEPT */

SEC("lsm_cgroup/socket_create") int on_socket_create(void *ctx) { return count(1); }
