// SPDX-License-Identifier: MIT OR GPL-2.0
// Calls a helper that is for GPL programs only, and has forgotten its license section.
#include "minibpf_helpers.h"

SEC("raw_tp/sys_enter")
int print(void *ctx) {
    char message[] = "hi";
    bpf_trace_printk(message, sizeof(message));
    return 0;
}
