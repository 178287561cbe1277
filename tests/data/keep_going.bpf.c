// SPDX-License-Identifier: MIT OR GPL-2.0
// Three programs, of which one is for a function that no kernel has and one does not verify.
#include <minibpf_helpers.h>

u64 hits;

SEC("raw_tp/sys_enter") int good(void *ctx) {
    ++hits;
    return 0;
}

SEC("fentry/no_kernel_has_this_function") int without_hook(void *ctx) { return 0; }

SEC("raw_tp/sys_enter") int refused(u64 *ctx) { return *(int *)ctx[0]; }

char LICENSE[] SEC("license") = "GPL";
