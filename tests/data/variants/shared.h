/* SPDX-License-Identifier: MIT OR GPL-2.0
 * What the two files of linked.o have in common. */
#include <minibpf_helpers.h>

struct pair {
    u64 first, second;
};

u64 sum_of(struct pair *pair);
u64 scaled(u64 number);
u64 only_here(u64 number);
