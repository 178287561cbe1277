// SPDX-License-Identifier: MIT OR GPL-2.0
// One program for each way of attaching. All count the getpgid(2) and getsid(2) calls of one process, the test.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define NR_GETPGID 121 /* x86-64: arch/x86/entry/syscalls/syscall_64.tbl */

const volatile u32 process; // set before the load; its value here says "nobody"

u64 hits;
u64 second_hits;
u64 cookie;
s64 result;

static __always_inline int is_ours(void) { return bpf_get_current_pid_tgid() >> 32 == process; }

static __always_inline int count(u64 *counter) {
    if (is_ours()) __sync_fetch_and_add(counter, 1);
    return 0;
}

SEC("tracepoint/syscalls/sys_enter_getpgid") int on_tracepoint(void *ctx) { return count(&hits); }

SEC("tracepoint/syscalls/sys_enter_getpgid") int on_tracepoint_too(void *ctx) { return count(&second_hits); }

SEC("tracepoint/syscalls/sys_enter_getpgid") int read_cookie(void *ctx) {
    if (is_ours()) cookie = bpf_get_attach_cookie(ctx);
    return count(&hits);
}

SEC("raw_tp/sys_enter") int on_raw_tracepoint(struct bpf_raw_tracepoint_args *ctx) {
    return ctx->args[1] == NR_GETPGID ? count(&hits) : 0;
}

SEC("?raw_tp/sys_enter") int read_raw_cookie(struct bpf_raw_tracepoint_args *ctx) { // the helper: Linux 6.10
    if (ctx->args[1] != NR_GETPGID) return 0;
    if (is_ours()) cookie = bpf_get_attach_cookie(ctx);
    return count(&hits);
}

SEC("ksyscall/getpgid") int on_kprobe(void *ctx) { return count(&hits); }

SEC("ksyscall/getpgid") int on_kprobe_too(void *ctx) { return count(&second_hits); }

SEC("ksyscall/getpgid") int read_kprobe_cookie(void *ctx) {
    if (is_ours()) cookie = bpf_get_attach_cookie(ctx);
    return count(&hits);
}

SEC("kretsyscall/getpgid") int on_kretprobe(void *ctx) {
    if (is_ours()) result = ((s64 *)ctx)[10]; // struct pt_regs of x86-64: ax, what the function returns
    return count(&hits);
}
