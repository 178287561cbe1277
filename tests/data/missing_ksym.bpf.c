// SPDX-License-Identifier: MIT OR GPL-2.0
// A misspelt kernel function, which no program can do without.
#include <minibpf_helpers.h>

extern void bpf_rcu_read_lokc(void) __ksym;

SEC("tp_btf/sys_enter") int hello(void *ctx) {
    bpf_rcu_read_lokc();
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
