/* SPDX-License-Identifier: MIT OR GPL-2.0
 *
 * What a BPF program in this repository may use: section and map notation, and the helpers that the kernel offers.
 *
 * A helper is called by its number (include/uapi/linux/bpf.h, ___BPF_FUNC_MAPPER): "call 6" is bpf_trace_printk. In C that
 * is a call through a constant pointer whose value is the number; clang turns it into exactly that instruction.
 */
#ifndef MINIBPF_HELPERS_H
#define MINIBPF_HELPERS_H

#include <linux/types.h>
#include <linux/bpf.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;

/* The section tells the loader what a function or variable is: SEC("xdp"), SEC("license"), SEC(".maps"). */
#define SEC(name) __attribute__((section(name), used))

#undef __always_inline /* <linux/stddef.h> has a weaker one */
#define __always_inline inline __attribute__((always_inline))
#define __noinline __attribute__((noinline))
#define __weak __attribute__((weak))
#define __hidden __attribute__((visibility("hidden")))

/* A map is described by the *types* of a struct's members, which BTF keeps: a number becomes an array's length, a type a
 * pointer's target. Nothing of it occupies memory that matters: the loader reads the types. */
#define __uint(name, value) int(*name)[value]
#define __type(name, value) typeof(value) *name
#define __array(name, value) typeof(value) *name[]
/* A number that is too large for an array's length becomes the value of an enumerator. */
#define __minibpf_paste(a, b) a##b
#define __minibpf_unique(a, b) __minibpf_paste(a, b)
#define __ulong(name, value) enum { __minibpf_unique(__unique_value, __COUNTER__) = value } name

/* What the kernel has to have: an option that it was built with, one of its symbols, variables or functions. */
#define __kconfig __attribute__((section(".kconfig")))
#define __ksym __attribute__((section(".ksyms")))
enum libbpf_tristate { TRI_NO = 0, TRI_YES = 1, TRI_MODULE = 2 };

/* Helpers, in the order of their numbers. */
static void *(*const bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*const bpf_map_update_elem)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static long (*const bpf_map_delete_elem)(void *map, const void *key) = (void *)3;
static long (*const bpf_probe_read)(void *to, u32 size, const void *from) = (void *)4;
static u64 (*const bpf_ktime_get_ns)(void) = (void *)5;
static long (*const bpf_trace_printk)(const char *format, u32 format_size, ...) = (void *)6;
static u32 (*const bpf_get_smp_processor_id)(void) = (void *)8;
static long (*const bpf_skb_store_bytes)(struct __sk_buff *skb, u32 offset, const void *from, u32 size, u64 flags) = (void *)9;
static long (*const bpf_l3_csum_replace)(struct __sk_buff *skb, u32 offset, u64 from, u64 to, u64 size) = (void *)10;
static long (*const bpf_l4_csum_replace)(struct __sk_buff *skb, u32 offset, u64 from, u64 to, u64 flags) = (void *)11;
static long (*const bpf_tail_call)(void *ctx, void *prog_array_map, u32 index) = (void *)12;
static long (*const bpf_clone_redirect)(struct __sk_buff *skb, u32 interface, u64 flags) = (void *)13;
static u64 (*const bpf_get_current_pid_tgid)(void) = (void *)14;
static u64 (*const bpf_get_current_uid_gid)(void) = (void *)15;
static long (*const bpf_get_current_comm)(void *buffer, u32 size) = (void *)16;
static long (*const bpf_redirect)(u32 interface, u64 flags) = (void *)23;
static long (*const bpf_perf_event_output)(void *ctx, void *map, u64 flags, void *data, u64 size) = (void *)25;
static long (*const bpf_skb_load_bytes)(const void *skb, u32 offset, void *to, u32 size) = (void *)26;
static long (*const bpf_get_stackid)(void *ctx, void *stack_trace_map, u64 flags) = (void *)27;
static u64 (*const bpf_get_current_task)(void) = (void *)35;
static long (*const bpf_get_stack)(void *ctx, void *to, u32 size, u64 flags) = (void *)67;
static long (*const bpf_probe_read_user)(void *to, u32 size, const void *from) = (void *)112;
static long (*const bpf_probe_read_kernel)(void *to, u32 size, const void *from) = (void *)113;
static long (*const bpf_probe_read_user_str)(void *to, u32 size, const void *from) = (void *)114;
static long (*const bpf_probe_read_kernel_str)(void *to, u32 size, const void *from) = (void *)115;
static long (*const bpf_ringbuf_output)(void *ringbuf, void *data, u64 size, u64 flags) = (void *)130;
static void *(*const bpf_ringbuf_reserve)(void *ringbuf, u64 size, u64 flags) = (void *)131;
static void (*const bpf_ringbuf_submit)(void *data, u64 flags) = (void *)132;
static void (*const bpf_ringbuf_discard)(void *data, u64 flags) = (void *)133;
static long (*const bpf_d_path)(void *path, char *to, u32 size) = (void *)147;
static void *(*const bpf_get_current_task_btf)(void) = (void *)158;
static u64 (*const bpf_get_attach_cookie)(void *ctx) = (void *)174;
static long (*const bpf_loop)(u32 times, void *body, void *body_context, u64 flags) = (void *)181;
static long (*const bpf_strncmp)(const char *text, u32 size, const char *constant) = (void *)182;

/* Prints to /sys/kernel/tracing/trace_pipe: a format and up to three numbers or %s strings. The format has to be in memory
 * that the verifier knows, so it becomes a constant of its own in .rodata. */
#define bpf_printk(format, args...)                                          \
    ({                                                                       \
        static const char bpf_printk_format[] = format;                      \
        bpf_trace_printk(bpf_printk_format, sizeof(bpf_printk_format), ##args); \
    })

#endif /* MINIBPF_HELPERS_H */
