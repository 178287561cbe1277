// SPDX-License-Identifier: MIT OR GPL-2.0
// One program for each way of tracing that is settled when the program is loaded, or that takes many functions at once.
// All count the getpgid(2) calls of one process, the test.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define NR_GETPGID 121
#define EPERM 1
#define EIO 5

const volatile u32 process;

u64 hits;
u64 cookie;
s64 result;

static __always_inline int is_ours(void) { return bpf_get_current_pid_tgid() >> 32 == process; }

static __always_inline int count(void) {
    if (is_ours()) __sync_fetch_and_add(&hits, 1);
    return 0;
}

SEC("tp_btf/sys_enter") int on_tp_btf(u64 *ctx) { return ctx[1] == NR_GETPGID ? count() : 0; }

SEC("fentry/__x64_sys_getpgid") int on_fentry(u64 *ctx) {
    if (is_ours()) cookie = bpf_get_attach_cookie(ctx);
    return count();
}

SEC("fexit/__x64_sys_getpgid") int on_fexit(u64 *ctx) {
    if (is_ours()) result = ctx[1]; // after the function's one argument, what it returned
    return count();
}

// security_task_getpgid() is asked when the argument is a process, not 0.
SEC("fmod_ret/security_task_getpgid") int on_fmod_ret(u64 *ctx) {
    count();
    return is_ours() ? -EPERM : 0;
}

SEC("lsm/task_getpgid") int on_lsm(u64 *ctx) {
    count();
    return is_ours() ? -EPERM : 0;
}

SEC("kprobe.multi/__x64_sys_getp?i*") int on_kprobe_multi(void *ctx) {
    if (is_ours()) cookie = bpf_get_attach_cookie(ctx);
    return count();
}

SEC("kretprobe.multi/__x64_sys_getpgid") int on_kretprobe_multi(void *ctx) {
    if (is_ours()) result = ((s64 *)ctx)[10]; // struct pt_regs of x86-64: ax
    return count();
}

SEC("kprobe.session/__x64_sys_getpgid") int on_kprobe_session(void *ctx) { return count(); }

// BPF_PROG_TEST_RUN answers the error that this tracepoint lets one write.
SEC("raw_tp.w/bpf_test_finish") int on_writable(u64 *ctx) {
    int *error = (int *)ctx[0];
    if (!is_ours()) return 0;
    count();
    *error = -EIO;
    return 0;
}

SEC("xdp") int pass(void *ctx) { return 2; }

SEC("perf_event") int on_sample(void *ctx) { return count(); }
