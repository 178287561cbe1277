// SPDX-License-Identifier: MIT OR GPL-2.0
// Constants, variables with and without initial values, and calls of subprograms: what a program sees of its data
// sections, told by what it writes into .bss.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct point {
    s32 x;
    s32 y;
};

const volatile u32 process;                   // .rodata
const volatile u32 factor = 7;                // .rodata
const volatile char word[8] = "rodata";       // .rodata
const volatile struct point corner = {3, -4}; // .rodata
s64 sum = 1000;                               // .data
struct point moving = {10, 20};               // .data
u64 hits;                                     // .bss
u64 product;                                  // .bss
char copy[8];                                 // .bss
struct point seen;                            // .bss

static __noinline u64 twice(u64 x) { return x + x + (bpf_get_smp_processor_id() & 0); }

static __noinline u64 four_times(u64 x) { return twice(x) + twice(x); }

__noinline int global_subprogram(int x) { return (int)four_times(x) + 1; }

SEC("tracepoint/syscalls/sys_enter_getpgid")
int look(void *ctx) {
    if (bpf_get_current_pid_tgid() >> 32 != process) return 0;
    hits++;
    product = (u64)factor * 6;
    for (int i = 0; i < sizeof(copy); i++) copy[i] = word[i];
    seen.x = corner.x;
    seen.y = corner.y;
    moving.x += 1;
    sum += global_subprogram(5); // 4 * 5 + 1
    return 0;
}
