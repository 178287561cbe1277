// SPDX-License-Identifier: MIT OR GPL-2.0
// Kernel options as variables of every type, in an order that is not the one in which they are laid out.
#include <minibpf_helpers.h>

extern _Bool CONFIG_BPF_SYSCALL __kconfig;
extern enum libbpf_tristate CONFIG_BPF_JIT __kconfig;
extern char CONFIG_NET __kconfig;
extern int CONFIG_HZ __kconfig;
extern u64 CONFIG_NR_CPUS __kconfig;
extern char CONFIG_DEFAULT_HOSTNAME[8] __kconfig;
extern u32 LINUX_KERNEL_VERSION __kconfig;
extern _Bool LINUX_HAS_BPF_COOKIE __kconfig;
extern _Bool LINUX_HAS_SYSCALL_WRAPPER __kconfig;
extern int CONFIG_NO_KERNEL_HAS_THIS __kconfig __weak;

struct {
    char hostname[8];
    u64 nr_cpus;
    u32 version;
    int hz;
    int missing;
    int jit;
    char net;
    _Bool syscall, cookie, wrapper;
} seen;

SEC("raw_tp/sys_enter") int hello(void *ctx) {
    __builtin_memcpy(seen.hostname, CONFIG_DEFAULT_HOSTNAME, sizeof(seen.hostname));
    seen.nr_cpus = CONFIG_NR_CPUS;
    seen.version = LINUX_KERNEL_VERSION;
    seen.hz = CONFIG_HZ;
    seen.missing = CONFIG_NO_KERNEL_HAS_THIS;
    seen.jit = CONFIG_BPF_JIT;
    seen.net = CONFIG_NET;
    seen.syscall = CONFIG_BPF_SYSCALL;
    seen.cookie = LINUX_HAS_BPF_COOKIE;
    seen.wrapper = LINUX_HAS_SYSCALL_WRAPPER;
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
