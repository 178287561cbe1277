// SPDX-License-Identifier: MIT OR GPL-2.0
// Counts what it is called for.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "GPL";

u64 samples;

SEC("perf_event")
int count_samples(void *ctx) {
    __sync_fetch_and_add(&samples, 1);
    return 0;
}
