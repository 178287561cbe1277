// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Twelve letters are numbered from 0 to 11.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

int last_letter;
int first_of_command;

struct msg_t {
    char message[12];
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 16);
    __type(key, u32); /* a user */
    __type(value, struct msg_t);
} my_config SEC(".maps");

/* Sets `last_letter` to the last of the twelve letters of the user's message, and `first_of_command` to the first letter of the
 * command that is running. */
SEC("raw_tp/sys_enter")
int out_of_bounds(void *ctx)
{
    u32 uid = bpf_get_current_uid_gid() & 0xffffffff;
    struct msg_t *found = bpf_map_lookup_elem(&my_config, &uid);
    char command[16];

    if (found)
        last_letter = *((volatile char *)found->message + 11);
    bpf_get_current_comm(command, sizeof(command));
    first_of_command = command[0];
    return 0;
}
