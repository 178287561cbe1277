// SPDX-License-Identifier: MIT OR GPL-2.0
// Externs that no kernel has, or has otherwise: a program for each, to be loaded alone.
#include <minibpf_helpers.h>

struct task_struct;
struct pair {
    int first, second;
};

extern const void no_kernel_has_this_symbol __ksym;
extern const int no_kernel_has_this_variable __ksym;
extern const struct pair bpf_prog_active __ksym;        // an int in truth
extern const struct pair process_counts __ksym __weak;  // an unsigned long in truth
extern int kfree(int number) __ksym;                    // takes a pointer in truth
extern int vfs_read(int number) __ksym __weak;          // takes four arguments in truth
extern int no_kernel_has_this_function(struct task_struct *task) __ksym __weak;

int answer = -1;

SEC("raw_tp/sys_enter") int missing_symbol(void *ctx) { return (int)(u64)&no_kernel_has_this_symbol; }

SEC("raw_tp/sys_enter") int missing_variable(void *ctx) { return (int)(u64)&no_kernel_has_this_variable; }

SEC("raw_tp/sys_enter") int other_variable(void *ctx) { return (int)(u64)&bpf_prog_active; }

SEC("raw_tp/sys_enter") int other_function(void *ctx) { return kfree(1); }

// What is weak and of another type is as if it were not there.
SEC("raw_tp/sys_enter") int weak_ones(void *ctx) {
    answer = 0;
    if (&process_counts) answer |= 1;
    if (vfs_read) answer |= 2;
    if (no_kernel_has_this_function) answer |= 4;
    return 0;
}

// Nothing asks whether it is there, so that the verifier meets the call.
SEC("raw_tp/sys_enter") int unasked(void *ctx) { return no_kernel_has_this_function(0); }

char LICENSE[] SEC("license") = "GPL";
