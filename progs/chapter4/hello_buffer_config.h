/* SPDX-License-Identifier: MIT OR GPL-2.0
 *
 * Chapter 4: the two maps and the body that the kprobe and the raw tracepoint version share.
 *
 * `config` says which message a user gets; user space fills it, also while the program runs. Each event goes to user space
 * as one data_t through the perf buffer `output`.
 */
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

/* Only types that a global uses get into the BTF, and user space is to find data_t there (--events output:data_t). No
 * program reads this pointer, so the loader makes no map for it. */
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
    __type(value, struct user_msg_t);
} config SEC(".maps");

static __always_inline int send_message(void *ctx)
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

    bpf_perf_event_output(ctx, &output, BPF_F_CURRENT_CPU, &data, sizeof(data));
    return 0;
}
