// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Chapter 3: a function call inside BPF. get_opcode() is a static function that clang must not inline, so it becomes a
// subprogram in section .text; the loader appends it to the program and points the call at it.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

static __noinline long get_opcode(struct bpf_raw_tracepoint_args *ctx)
{
    return ctx->args[1];
}

SEC("raw_tp/sys_enter")
int hello_func(struct bpf_raw_tracepoint_args *ctx)
{
    bpf_printk("Syscall: %d", get_opcode(ctx));
    return 0;
}
