// SPDX-License-Identifier: MIT OR GPL-2.0
//
// A section name is the type of the program and where it is attached.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

u64 execs;
u64 exits;

SEC("tracepoint/syscalls/sys_enter_execve")
int count_exec(void *ctx)
{
    __sync_fetch_and_add(&execs, 1);
    return 0;
}

SEC("raw_tracepoint/sched_process_exit")
int count_exits(void *ctx)
{
    __sync_fetch_and_add(&exits, 1);
    return 0;
}
