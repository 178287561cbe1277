// SPDX-License-Identifier: MIT OR GPL-2.0
// Global and static variables in .data, .bss, .rodata and a named section.
#include <minibpf_helpers.h>

const volatile u32 limit = 7;
const volatile char greeting[16] = "Hello";
u64 counter;
u64 array_of_counters[4];
static volatile u16 hidden_counter;
s32 step = -1;
static volatile u32 static_first = 11, static_second = 22;
u32 configured SEC(".data.config") = 5;

SEC("raw_tp/sys_enter") int hello(void *ctx) {
    counter += step + configured;
    array_of_counters[3] += limit + greeting[2];
    hidden_counter++;
    bpf_printk("%d %d", static_first, static_second);
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
