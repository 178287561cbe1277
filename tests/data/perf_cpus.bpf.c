// SPDX-License-Identifier: MIT OR GPL-2.0
// Counts on which CPU it is called, and whom it interrupts.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "GPL";

#define CPUS 256

const volatile u32 process;

u64 on_cpu[CPUS];
u64 of_process;
u64 of_others;

SEC("perf_event")
int count_by_cpu(void *ctx) {
    u32 cpu = bpf_get_smp_processor_id();
    if (cpu < CPUS) __sync_fetch_and_add(&on_cpu[cpu], 1);
    __sync_fetch_and_add(bpf_get_current_pid_tgid() >> 32 == process ? &of_process : &of_others, 1);
    return 0;
}
