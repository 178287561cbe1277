// SPDX-License-Identifier: MIT OR GPL-2.0
// What is hidden is global for the files of one object and static for the kernel: a subprogram whose argument the
// verifier could not check by itself, and variables that user space does not share.
#include <minibpf_helpers.h>

struct pair {
    u64 first, second;
};

__hidden u64 hidden_count;                  // alone in its section
__hidden u64 hidden_sum SEC(".data.mixed");
u64 shared_sum SEC(".data.mixed") = 1;

// `pair` points into the caller's stack.
__hidden __noinline u64 sum_of(struct pair *pair, u64 *calls) {
    *calls += 1;
    return pair->first + pair->second;
}

SEC("raw_tp/sys_enter") int hello(void *ctx) {
    struct pair pair = {.first = 40, .second = 2};
    u64 calls = 0;
    hidden_sum = sum_of(&pair, &calls);
    shared_sum = hidden_sum;
    hidden_count = calls;
    return (int)hidden_sum;
}

char LICENSE[] SEC("license") = "GPL";
