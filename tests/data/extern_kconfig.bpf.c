// SPDX-License-Identifier: MIT OR GPL-2.0
// A variable that the loader is to fill in from the running kernel's configuration.
#include <minibpf_helpers.h>

extern u32 LINUX_KERNEL_VERSION __attribute__((section(".kconfig")));

SEC("raw_tp/sys_enter") int hello(void *ctx) { return LINUX_KERNEL_VERSION > 0x60000; }

char LICENSE[] SEC("license") = "GPL";
