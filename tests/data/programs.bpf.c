// SPDX-License-Identifier: MIT OR GPL-2.0
// Programs and functions in every place where they may be: several programs in one section, static and global functions in
// .text and in a program's section, a function whose address is passed.
#include <minibpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";
u32 kernel_version SEC("version") = 0x60100;


static __noinline int in_text(int x) { return x * 3 + (int)bpf_get_smp_processor_id(); }

__noinline int global_in_text(int x) { return in_text(x) + in_text(x + 1); }

static long each(u32 index, void *context) {
    *(u32 *)context += index;
    return 0;
}

static __noinline __attribute__((section("kprobe/do_unlinkat"))) int in_section(int x) {
    return x + (int)bpf_get_smp_processor_id();
}

SEC("kprobe/do_unlinkat") int first(void *ctx) { return global_in_text(1) + in_section(2); }

SEC("kprobe/do_unlinkat") int second(void *ctx) { return in_section(3); }

SEC("?fentry.s/vfs_read") int optional_one(void *ctx) { return 0; }

SEC("xdp.frags") int with_callback(void *ctx) {
    u32 sum = 0;
    bpf_loop(10, each, &sum, 0);
    return sum ? 2 : 1;
}
