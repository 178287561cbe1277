// SPDX-License-Identifier: MIT OR GPL-2.0
// Options, symbols and functions in one object, declared and used in no order, by two programs.
#include <minibpf_helpers.h>

struct task_struct;

extern int z_function_that_no_kernel_has(struct task_struct *task) __ksym __weak;
extern const void _stext __ksym;
extern u32 LINUX_KERNEL_VERSION __kconfig;
extern int a_function_that_no_kernel_has(struct task_struct *task) __ksym __weak;
extern int CONFIG_HZ __kconfig;
extern char LINUX_HAS_BPF_COOKIE __kconfig;

u64 text_address, address_again;
int hz, version, calls;
char has_cookie;

SEC("tp_btf/sys_enter") int first(void *ctx) {
    if (z_function_that_no_kernel_has) calls += z_function_that_no_kernel_has(0);
    if (a_function_that_no_kernel_has) calls += a_function_that_no_kernel_has(0);
    text_address = (u64)&_stext;
    version = LINUX_KERNEL_VERSION;
    return 0;
}

SEC("tp_btf/sys_enter") int second(void *ctx) {
    address_again = (u64)&_stext;
    hz = CONFIG_HZ;
    has_cookie = LINUX_HAS_BPF_COOKIE;
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
