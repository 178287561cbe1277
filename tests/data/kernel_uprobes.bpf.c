// SPDX-License-Identifier: MIT OR GPL-2.0
// Programs for user-space probes. All count what one process does, the test.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

const volatile u32 process; // set before the load; its value here says "nobody"

u64 hits;
u64 cookie;
s64 result;
u64 usdt_cookie;
s64 arguments[12];
u64 argument_count;

static __always_inline int is_ours(void) { return bpf_get_current_pid_tgid() >> 32 == process; }

static __always_inline int count(void) {
    if (is_ours()) __sync_fetch_and_add(&hits, 1);
    return 0;
}

SEC("uprobe//proc/self/exe:minibpf_probed") int on_uprobe(void *ctx) { return count(); }

SEC("uprobe.s//proc/self/exe:minibpf_probed") int on_sleepable_uprobe(void *ctx) { return count(); }

SEC("uprobe//proc/self/exe:minibpf_probed") int read_uprobe_cookie(void *ctx) {
    if (is_ours()) cookie = bpf_get_attach_cookie(ctx);
    return count();
}

SEC("uretprobe//proc/self/exe:minibpf_probed") int on_uretprobe(void *ctx) {
    if (is_ours()) result = ((s64 *)ctx)[10]; // struct pt_regs of x86-64: ax, what the function returns
    return count();
}

SEC("uprobe.multi//proc/self/exe:minibpf_probed_*") int on_uprobe_multi(void *ctx) {
    if (is_ours()) cookie = bpf_get_attach_cookie(ctx);
    return count();
}

SEC("uretprobe.multi//proc/self/exe:minibpf_probed_*") int on_uretprobe_multi(void *ctx) {
    if (is_ours()) result = ((s64 *)ctx)[10];
    return count();
}

SEC("uprobe.session//proc/self/exe:minibpf_probed_*") int on_uprobe_session(void *ctx) { return count(); }

SEC("usdt//proc/self/exe:minibpf:looked_at") int on_usdt(void *ctx) { return count(); }

// As libbpf's usdt.bpf.h has it: where each argument is, by the number that is the link's cookie.
struct usdt_argument {
    u64 value_offset;
    u32 type; // 0 constant, 1 register, 2 memory at a register
    __s16 register_offset;
    u8 is_signed;
    u8 bit_shift;
};

struct usdt_spec {
    struct usdt_argument arguments[12];
    u64 cookie;
    __s16 argument_count;
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 4);
    __type(key, u32);
    __type(value, struct usdt_spec);
} __bpf_usdt_specs SEC(".maps");

SEC("usdt//proc/self/exe:minibpf:looked_at") int read_usdt(void *ctx) {
    u32 id = bpf_get_attach_cookie(ctx);
    struct usdt_spec *spec = bpf_map_lookup_elem(&__bpf_usdt_specs, &id);
    if (!spec || !is_ours()) return 0;
    argument_count = spec->argument_count;
    usdt_cookie = spec->cookie;
    for (u32 i = 0; i < 4; ++i) {
        struct usdt_argument *argument = &spec->arguments[i];
        u64 value = argument->value_offset;
        if (argument->type != 0) bpf_probe_read_kernel(&value, 8, ctx + argument->register_offset);
        if (argument->type == 2) bpf_probe_read_user(&value, 8, (void *)(value + argument->value_offset));
        value <<= argument->bit_shift;
        arguments[i] = argument->is_signed ? (s64)value >> argument->bit_shift : (s64)(value >> argument->bit_shift);
    }
    return count();
}
