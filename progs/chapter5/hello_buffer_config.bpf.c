// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Chapter 5: CO-RE. BPF_KPROBE_SYSCALL takes execve's argument out of the registers of whoever made the system call: where
// struct pt_regs has them, and whether the kernel wraps its system calls, the loader finds out on the machine that it runs on.
#include "minibpf_tracing.h"
#include "hello_buffer_config.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* A global variable with a value lives in .data, which user space may change before and after the load. */
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
    __type(value, struct user_msg_t);
} my_config SEC(".maps");

static __always_inline int send_message(void *ctx, const char *path)
{
    struct data_t data = {};
    struct user_msg_t *configured;

    data.pid = bpf_get_current_pid_tgid() >> 32;
    data.uid = bpf_get_current_uid_gid() & 0xffffffff;
    bpf_get_current_comm(&data.command, sizeof(data.command));
    bpf_probe_read_user_str(&data.path, sizeof(data.path), path);

    configured = bpf_map_lookup_elem(&my_config, &data.uid);
    if (configured)
        bpf_probe_read_kernel(&data.message, sizeof(data.message), configured->message);
    else
        bpf_probe_read_kernel(&data.message, sizeof(data.message), message);

    bpf_perf_event_output(ctx, &output, BPF_F_CURRENT_CPU, &data, sizeof(data));
    return 0;
}

SEC("ksyscall/execve")
int BPF_KPROBE_SYSCALL(hello, const char *path)
{
    return send_message(ctx, path);
}

/* For kernels without kprobes, and loaded only if asked for: that is what the question mark says. */
SEC("?tracepoint/syscalls/sys_enter_execve")
int hello_tp(struct trace_event_raw_sys_enter *ctx)
{
    return send_message(ctx, (const char *)ctx->args[0]);
}
