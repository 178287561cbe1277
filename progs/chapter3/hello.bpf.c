// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Chapter 3: counts packets. `counter` is a global variable; it lives in section .bss, which the loader makes an array map
// with one element, and the format string lives in .rodata, another one.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

int counter = 0;

SEC("xdp")
int hello(struct xdp_md *ctx)
{
    bpf_printk("Hello World %d", counter);
    counter++;
    return XDP_PASS;
}
