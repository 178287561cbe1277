// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Chapter 2: who executes something, sent to user space as a struct through a perf buffer.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct data_t {
    u32 pid;
    u32 uid;
    char command[16];
    char message[12];
};

/* So that user space finds data_t in the BTF: --events output:data_t. */
const struct data_t *unused_data_t __attribute__((unused));

struct {
    __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
    __type(key, u32);
    __type(value, u32);
} output SEC(".maps");

SEC("ksyscall/execve")
int hello(void *ctx)
{
    struct data_t data = {.message = "Hello World"};

    data.pid = bpf_get_current_pid_tgid() >> 32;
    data.uid = bpf_get_current_uid_gid() & 0xffffffff;
    bpf_get_current_comm(&data.command, sizeof(data.command));
    bpf_perf_event_output(ctx, &output, BPF_F_CURRENT_CPU, &data, sizeof(data));
    return 0;
}
