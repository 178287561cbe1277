// SPDX-License-Identifier: MIT OR GPL-2.0
// Probes in the C library and in bash, found by their names.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("uprobe/libc:getpriority") int on_library(void *ctx) {
    bpf_printk("getpriority() was called");
    return 0;
}

SEC("uretprobe/bash:initialize_shell_variables") int on_program(void *ctx) {
    bpf_printk("bash has its variables");
    return 0;
}
