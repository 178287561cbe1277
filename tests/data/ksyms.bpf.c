// SPDX-License-Identifier: MIT OR GPL-2.0
// Symbols, variables and functions of the kernel, and what happens when it lacks them.
#include <minibpf_helpers.h>

struct task_struct;

extern const void _stext __ksym;
extern const void no_kernel_has_this_symbol __ksym __weak;
extern const int no_kernel_has_this_variable __ksym __weak;
extern void bpf_rcu_read_lock(void) __ksym __weak;  // Linux 6.2
extern void bpf_rcu_read_unlock(void) __ksym __weak;
extern int no_kernel_has_this_function(struct task_struct *task, int) __ksym __weak;

u64 text_address, missing_address = 1;
int has_variable = -1, has_function = -1, has_lock = -1;

SEC("tp_btf/sys_enter") int hello(void *ctx) {
    text_address = (u64)&_stext;
    missing_address = (u64)&no_kernel_has_this_symbol;
    has_variable = &no_kernel_has_this_variable != 0;
    has_function = no_kernel_has_this_function != 0;
    if (no_kernel_has_this_function) no_kernel_has_this_function(0, 0);
    has_lock = bpf_rcu_read_lock != 0;
    if (bpf_rcu_read_lock && bpf_rcu_read_unlock) {
        bpf_rcu_read_lock();
        bpf_rcu_read_unlock();
    }
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
