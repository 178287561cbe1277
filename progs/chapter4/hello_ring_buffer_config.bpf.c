// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Chapter 4: the same as hello_buffer_config, through a ring buffer: one for all CPUs, in the order in which things happened.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct data_t {
    u32 pid;
    u32 uid;
    char command[16];
    char message[12];
};

struct user_msg_t {
    char message[12];
};

/* So that user space finds data_t in the BTF: --events output:data_t. */
const struct data_t *unused_data_t __attribute__((unused));

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096);
} output SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 10240);
    __type(key, u32);
    __type(value, struct user_msg_t);
} config SEC(".maps");

SEC("ksyscall/execve")
int hello(void *ctx)
{
    struct data_t data = {};
    char message[12] = "Hello World";
    struct user_msg_t *configured;

    data.pid = bpf_get_current_pid_tgid() >> 32;
    data.uid = bpf_get_current_uid_gid() & 0xffffffff;
    bpf_get_current_comm(&data.command, sizeof(data.command));

    configured = bpf_map_lookup_elem(&config, &data.uid);
    if (configured)
        bpf_probe_read_kernel(&data.message, sizeof(data.message), configured->message);
    else
        bpf_probe_read_kernel(&data.message, sizeof(data.message), message);

    bpf_ringbuf_output(&output, &data, sizeof(data), 0);
    return 0;
}
