// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Exercise: probe do_unlinkat(int dfd, struct filename *name), the kernel's function behind unlinkat(2), and print the name.
#include "minibpf_tracing.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("kprobe/begin_new_exec")
int BPF_KPROBE(hello, struct linux_binprm *bprm)
{
    char name[64];

    bpf_probe_read_kernel_str(name, sizeof(name), BPF_CORE_READ(bprm, filename));
    bpf_printk("%s", name);
    return 0;
}
