// SPDX-License-Identifier: MIT OR GPL-2.0
#include "minibpf_tracing.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("kprobe/do_unlinkat")
int BPF_KPROBE(hello, int dfd, struct filename *file)
{
    char name[64];

    bpf_probe_read_kernel_str(name, sizeof(name), BPF_CORE_READ(file, name));
    bpf_printk("%s", name);
    return 0;
}
