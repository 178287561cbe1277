// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Chapter 4, exercise 5: the same messages from the raw tracepoint sys_enter, which every system call hits. Its second
// argument is the call's number; only execve's is of interest.
#include "hello_buffer_config.h"

#define NR_EXECVE 59 /* x86-64: arch/x86/entry/syscalls/syscall_64.tbl */

SEC("raw_tp/sys_enter")
int hello(struct bpf_raw_tracepoint_args *ctx)
{
    if (ctx->args[1] != NR_EXECVE)
        return 0;
    return send_message(ctx);
}
