// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Chapter 2: tail calls. `hello` runs at the beginning of every system call and jumps to the program that `syscalls` has at
// the system call's number: a jump, not a call, so nothing after it runs unless the slot is empty.
//
// User space fills the table: hello_exec for execve, hello_timer for the timer calls, ignore_opcode for those that would
// drown the rest. Numbers: asm/unistd_64.h, or `ausyscall --dump`.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 500);
    __type(key, u32);
    __type(value, u32);
} syscalls SEC(".maps");

SEC("raw_tp/sys_enter")
int hello(struct bpf_raw_tracepoint_args *ctx)
{
    long opcode = ctx->args[1];

    bpf_tail_call(ctx, &syscalls, opcode);
    bpf_printk("Another syscall: %d", opcode);
    return 0;
}

SEC("raw_tp")
int hello_exec(struct bpf_raw_tracepoint_args *ctx)
{
    bpf_printk("Executing a program");
    return 0;
}

SEC("raw_tp")
int hello_timer(struct bpf_raw_tracepoint_args *ctx)
{
    long opcode = ctx->args[1];

    switch (opcode) {
    case 222:
        bpf_printk("Creating a timer");
        break;
    case 226:
        bpf_printk("Deleting a timer");
        break;
    default:
        bpf_printk("Some other timer operation");
        break;
    }
    return 0;
}

SEC("raw_tp")
int ignore_opcode(struct bpf_raw_tracepoint_args *ctx)
{
    return 0;
}
