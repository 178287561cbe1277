// SPDX-License-Identifier: MIT OR GPL-2.0
// A misspelt section name.
#include <minibpf_helpers.h>

SEC("kprob/do_unlinkat") int hello(void *ctx) { return 0; }

char LICENSE[] SEC("license") = "GPL";
