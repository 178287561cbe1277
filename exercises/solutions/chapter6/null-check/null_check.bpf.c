// SPDX-License-Identifier: MIT OR GPL-2.0
//
// The verifier has to see the comparison.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

int letter;

struct msg_t {
    char message[12];
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 16);
    __type(key, u32); /* a user */
    __type(value, struct msg_t);
} my_config SEC(".maps");

/* Sets `letter` to the first letter of the user's message, and to 0 if there is none. */
SEC("raw_tp/sys_enter")
int null_check(void *ctx)
{
    u32 uid = bpf_get_current_uid_gid() & 0xffffffff;
    struct msg_t *found = bpf_map_lookup_elem(&my_config, &uid);

    letter = 0;
    if (found)
        letter = found->message[0];
    return 0;
}
