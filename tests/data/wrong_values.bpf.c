// SPDX-License-Identifier: MIT OR GPL-2.0
// A program array with a function that is no program.
#include <minibpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

int subprogram(void *ctx);

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 2);
    __array(values, int(void *));
} programs SEC(".maps") = {.values = {[1] = (void *)&subprogram}};

__noinline int subprogram(void *ctx) { return 0; }

SEC("raw_tp/sys_enter") int hello(void *ctx) {
    bpf_tail_call(ctx, &programs, 1);
    return 0;
}
