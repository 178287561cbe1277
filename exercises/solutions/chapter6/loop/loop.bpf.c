// SPDX-License-Identifier: MIT OR GPL-2.0
//
// The verifier walks through a loop, round for round, so it has to see the end.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

int count; /* user space sets it */
int sum;
int numbers[128];

/* Sets `sum` to the sum of the first `count` numbers, but of 100 at most. */
SEC("raw_tp/sys_enter")
int loop(void *ctx)
{
    int total = 0;

    for (int i = 0; i < 100 && i < count; i++) {
        numbers[i & 127] = i + 1;
        total += *(volatile int *)&numbers[i & 127];
    }
    sum = total;
    return 0;
}
