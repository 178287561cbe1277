// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Chapter 6: a program that the verifier accepts. mistakes.bpf.c has what it does not accept.
#include "minibpf_helpers.h"
#include "hello_verifier.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

int c = 1;
char message[12] = "Hello World";

const struct data_t *unused_data_t __attribute__((unused));

struct {
    __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
    __type(key, u32);
    __type(value, u32);
} output SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 10240);
    __type(key, u32);
    __type(value, struct msg_t);
} my_config SEC(".maps");

SEC("ksyscall/execve")
int kprobe_exec(void *ctx)
{
    struct data_t data = {};
    u32 uid;
    struct msg_t *p;

    data.counter = c;
    c++;
    data.pid = bpf_get_current_pid_tgid();
    uid = bpf_get_current_uid_gid() & 0xffffffff;
    data.uid = uid;

    p = bpf_map_lookup_elem(&my_config, &uid);
    if (p) {
        // Each index that the verifier has seen to be within the array is fine.
        if (p->message[0])
            bpf_printk("%d", p->message[0]);
        bpf_probe_read_kernel(&data.message, sizeof(data.message), p->message);
    } else {
        bpf_probe_read_kernel(&data.message, sizeof(data.message), message);
    }
    if (c < (int)sizeof(message) && c >= 0)
        bpf_printk("%d", message[c]);
    bpf_get_current_comm(&data.command, sizeof(data.command));
    bpf_perf_event_output(ctx, &output, BPF_F_CURRENT_CPU, &data, sizeof(data));
    return 0;
}

SEC("xdp")
int xdp_hello(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data;
    void *data_end = (void *)(long)ctx->data_end;

    bpf_printk("%d bytes", (int)(data_end - data));
    return XDP_PASS;
}
