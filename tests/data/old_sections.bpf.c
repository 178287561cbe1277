// SPDX-License-Identifier: MIT OR GPL-2.0
// Section names of older tutorials.
#include <minibpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

SEC("classifier") int as_in_iproute2(void *ctx) { return 0; }

SEC("xdp_pass") int as_in_xdp_tutorials(void *ctx) { return 2; }

SEC("socket/x") int as_in_kernel_samples(void *ctx) { return 0; }

SEC("xdp_drop") int another_one(void *ctx) { return 1; }
