// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Object (b) of the benchmark: a hash map, a perf array, and global variables in .rodata, .data and .bss.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "GPL";

struct event {
    u32 pid;
    u32 uid;
    char command[16];
    char text[12];
};

struct user_message {
    char text[12];
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1024);
    __type(key, u32);
    __type(value, struct user_message);
} config SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
    __uint(key_size, sizeof(u32));
    __uint(value_size, sizeof(u32));
} output SEC(".maps");

const volatile u32 only_uid = 0xffffffff; /* .rodata */
char message[12] = "Hello World";         /* .data */
u64 sent;                                 /* .bss */

SEC("raw_tp/sched_process_exec")
int hello(void *ctx)
{
    u32 uid = bpf_get_current_uid_gid();
    if (only_uid != 0xffffffff && uid != only_uid)
        return 0;

    struct event event = {.pid = bpf_get_current_pid_tgid() >> 32, .uid = uid};
    bpf_get_current_comm(event.command, sizeof(event.command));
    const struct user_message *for_user = bpf_map_lookup_elem(&config, &uid);
    __builtin_memcpy(event.text, for_user ? for_user->text : message, sizeof(event.text));
    bpf_perf_event_output(ctx, &output, 0xffffffff /* BPF_F_CURRENT_CPU */, &event, sizeof(event));
    ++sent;
    return 0;
}
