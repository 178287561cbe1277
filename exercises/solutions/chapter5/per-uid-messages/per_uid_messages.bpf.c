// SPDX-License-Identifier: MIT OR GPL-2.0
//
// The message is looked up by the user, each time.
#include "vmlinux.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct data_t {
    int pid;
    int uid;
    char command[16];
    char message[12];
};

struct user_msg_t {
    char message[12];
};

const struct data_t *unused_data_t __attribute__((unused));

char message[12] = "Hello World";

struct {
    __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
    __type(key, u32);
    __type(value, u32);
} output SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 10240);
    __type(key, u32);
    __type(value, struct user_msg_t);
} my_config SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_execve")
int hello(struct trace_event_raw_sys_enter *ctx)
{
    struct data_t data = {};
    struct user_msg_t *configured;

    data.pid = bpf_get_current_pid_tgid() >> 32;
    data.uid = bpf_get_current_uid_gid() & 0xffffffff;
    bpf_get_current_comm(&data.command, sizeof(data.command));

    configured = bpf_map_lookup_elem(&my_config, &data.uid);
    if (configured)
        bpf_probe_read_kernel(&data.message, sizeof(data.message), configured->message);
    else
        bpf_probe_read_kernel(&data.message, sizeof(data.message), message);
    bpf_perf_event_output(ctx, &output, BPF_F_CURRENT_CPU, &data, sizeof(data));
    return 0;
}
