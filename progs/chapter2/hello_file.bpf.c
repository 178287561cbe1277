// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Chapter 2: which files are opened, from the tracepoint at the beginning of openat(2). What the context holds stands in
// /sys/kernel/tracing/events/syscalls/sys_enter_openat/format.
#include "vmlinux.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("tracepoint/syscalls/sys_enter_openat")
int hello(struct trace_event_raw_sys_enter *ctx)
{
    char command[16];
    char filename[64];

    bpf_get_current_comm(command, sizeof(command));
    bpf_probe_read_user_str(filename, sizeof(filename), (const void *)ctx->args[1]);
    bpf_printk("%s opens %s", command, filename);
    return 0;
}
