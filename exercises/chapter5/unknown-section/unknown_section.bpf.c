// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Exercise: two section names that no loader knows.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

u64 execs;
u64 exits;

SEC("tracepiont/syscalls/sys_enter_execve")
int count_exec(void *ctx)
{
    __sync_fetch_and_add(&execs, 1);
    return 0;
}

SEC("raw_tracepiont/sched_process_exit")
int count_exits(void *ctx)
{
    __sync_fetch_and_add(&exits, 1);
    return 0;
}
