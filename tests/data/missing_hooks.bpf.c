// SPDX-License-Identifier: MIT OR GPL-2.0
// Two programs that load, of which one is for a tracepoint that no kernel has.
#include <minibpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

SEC("tracepoint/syscalls/sys_enter_execve") int somewhere(void *ctx) {
    bpf_printk("somewhere");
    return 0;
}

SEC("tracepoint/syscalls/no_such_tracepoint") int nowhere(void *ctx) { return 0; }
