// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Chapter 6: one mistake in each program, and the verifier rejects them all. Each is loaded only if asked for:
//
//     ./loader build/progs/chapter6/mistakes.bpf.o --program no_null_check --no-attach
//
// license.bpf.c has one more, for a license is the whole object's.
#include "minibpf_tracing.h"
#include "hello_verifier.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

int c = 1;
char message[12] = "Hello World";

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 10240);
    __type(key, u32);
    __type(value, struct msg_t);
} my_config SEC(".maps");

/* A helper wants a map, and gets a pointer to something else. */
SEC("?ksyscall/execve")
int wrong_map_argument(void *ctx)
{
    struct data_t data = {};
    u32 uid = bpf_get_current_uid_gid() & 0xffffffff;
    struct msg_t *p = bpf_map_lookup_elem(&data, &uid);

    return p ? 1 : 0;
}

/* What a lookup returns may be NULL, and nobody looks. */
SEC("?ksyscall/execve")
int no_null_check(void *ctx)
{
    u32 uid = bpf_get_current_uid_gid() & 0xffffffff;
    struct msg_t *p = bpf_map_lookup_elem(&my_config, &uid);
    char a = p->message[0];

    bpf_printk("%d", a);
    return 0;
}

/* One beyond the end: the array has 12 elements, 0 to 11. */
SEC("?ksyscall/execve")
int map_out_of_bounds(void *ctx)
{
    u32 uid = bpf_get_current_uid_gid() & 0xffffffff;
    struct msg_t *p = bpf_map_lookup_elem(&my_config, &uid);

    if (p) {
        char a = *((volatile char *)p->message + 12);
        bpf_printk("%d", a);
    }
    return 0;
}

/* `<=` for `<`: c may be 12, and the value of .data ends there. */
SEC("?ksyscall/execve")
int less_or_equal(void *ctx)
{
    if (c >= 0 && c <= (int)sizeof(message)) {
        char a = message[c];
        bpf_printk("%d", a);
    }
    return 0;
}

/* Beyond the 16 bytes of the local variable, which is on the stack. */
SEC("?ksyscall/execve")
int stack_out_of_bounds(void *ctx)
{
    char command[16];

    bpf_get_current_comm(command, sizeof(command) + 512);
    bpf_printk("%d", command[0]);
    return 0;
}

/* The end of a packet is where the kernel says; it cannot be moved. */
SEC("?xdp")
int data_end_moved(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *data_end = (void *)(long)ctx->data_end;

    asm volatile("%0 += 1" : "+r"(data_end)); // data_end++, where the compiler does not see it
    bpf_printk("%d", (int)(data_end - data));
    return XDP_PASS;
}

/* A loop of which nobody knows how often it runs: c comes out of a map. */
SEC("?ksyscall/execve")
int endless_loop(void *ctx)
{
    for (int i = 0; i < c; i++)
        bpf_printk("Looping %d", i);
    return 0;
}

/* A loop that ends, but only after more instructions than the verifier is willing to walk through. */
SEC("?ksyscall/execve")
int loop_too_large(void *ctx)
{
    u64 sum = 0;

    for (int i = 0; i < 1000000; i++) {
        sum += bpf_ktime_get_ns();
        asm volatile("" : "+r"(i)); // so that the compiler does not make it shorter
    }
    bpf_printk("%lld", sum);
    return 0;
}

/* No return value: r0 is what the caller reads, and nobody has written it. */
SEC("?xdp")
__attribute__((naked)) int no_return_value(struct xdp_md *ctx)
{
    asm volatile("exit");
}

/* An XDP program's context has no member at offset 100. */
SEC("?xdp")
int context_out_of_bounds(struct xdp_md *ctx)
{
    return *(volatile u32 *)((void *)ctx + 100);
}
