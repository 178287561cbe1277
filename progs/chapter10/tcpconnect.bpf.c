// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Chapter 10, tcpconnect: who connects where, by TCP over IPv4. The kernel function tcp_v4_connect() gets the socket as its
// argument, and has put the addresses into it when it returns; a kretprobe sees the result, but no longer the argument.
#include "minibpf_tracing.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct event {
    u32 pid;
    char command[16];
    u8 from[4];
    u8 to[4];
    u16 port;
};

/* So that user space finds it in the BTF: --events events:event. */
const struct event *unused_event __attribute__((unused));

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 10240);
    __type(key, u64);
    __type(value, struct sock *);
} connecting SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 256 * 1024);
} events SEC(".maps");

SEC("kprobe/tcp_v4_connect")
int BPF_KPROBE(connect_begins, struct sock *sock)
{
    u64 thread = bpf_get_current_pid_tgid();

    bpf_map_update_elem(&connecting, &thread, &sock, BPF_ANY);
    return 0;
}

SEC("kretprobe/tcp_v4_connect")
int BPF_KRETPROBE(connect_ends, int result)
{
    u64 thread = bpf_get_current_pid_tgid();
    struct sock **sock = bpf_map_lookup_elem(&connecting, &thread);
    struct event event = {.pid = thread >> 32};

    if (!sock)
        return 0;
    if (result == 0) {
        bpf_get_current_comm(event.command, sizeof(event.command));
        bpf_core_read(event.from, sizeof(event.from), &(*sock)->__sk_common.skc_rcv_saddr);
        bpf_core_read(event.to, sizeof(event.to), &(*sock)->__sk_common.skc_daddr);
        event.port = __builtin_bswap16(BPF_CORE_READ(*sock, __sk_common.skc_dport));
        bpf_ringbuf_output(&events, &event, sizeof(event), 0);
    }
    bpf_map_delete_elem(&connecting, &thread);
    return 0;
}

/* Without kprobes: the tracepoint at which sockets change their state. The one who connects is the current process then. */
SEC("?tp/sock/inet_sock_set_state")
int state_changes(struct trace_event_raw_inet_sock_set_state *ctx)
{
    struct event event = {.pid = bpf_get_current_pid_tgid() >> 32};

    if (ctx->newstate != 2 /* TCP_SYN_SENT */ || ctx->family != 2 /* AF_INET */)
        return 0;
    bpf_get_current_comm(event.command, sizeof(event.command));
    bpf_core_read(event.from, sizeof(event.from), &ctx->saddr);
    bpf_core_read(event.to, sizeof(event.to), &ctx->daddr);
    event.port = ctx->dport;
    bpf_ringbuf_output(&events, &event, sizeof(event), 0);
    return 0;
}
