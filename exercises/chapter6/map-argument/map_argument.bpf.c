// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Exercise: a helper that wants a map gets a pointer to something else.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

int found;

struct msg_t {
    char message[12];
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 16);
    __type(key, u32); /* a user */
    __type(value, struct msg_t);
} my_config SEC(".maps");

/* Sets `found` to 1 if the user has a message, else to 0. */
SEC("raw_tp/sys_enter")
int map_argument(void *ctx)
{
    u32 uid = bpf_get_current_uid_gid() & 0xffffffff;
    struct msg_t message = {};

    if (bpf_map_lookup_elem(&message, &uid))
        found = 1;
    else
        found = 0;
    return 0;
}
