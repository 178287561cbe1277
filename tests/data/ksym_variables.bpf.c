// SPDX-License-Identifier: MIT OR GPL-2.0
// Variables of the kernel, of which each CPU has its own. Their addresses take CONFIG_KALLSYMS_ALL.
#include <minibpf_helpers.h>

extern const unsigned long process_counts __ksym;
extern const int bpf_prog_active __ksym __weak;

static void *(*const bpf_per_cpu_ptr)(const void *variable, u32 cpu) = (void *)153;

u64 processes;
int has_prog_active = -1;

SEC("tp_btf/sys_enter") int hello(void *ctx) {
    const unsigned long *counts = bpf_per_cpu_ptr(&process_counts, 0);
    if (counts) processes = *counts;
    has_prog_active = &bpf_prog_active != 0;
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
