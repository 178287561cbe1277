// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Exercise: one comparison lets one index too many through.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

int c = 1; /* user space sets it */
int letter;
char message[12] = "Hello World";

/* Sets `letter` to the c-th letter of the message, and to '?' if there is no such. */
SEC("raw_tp/sys_enter")
int less_or_equal(void *ctx)
{
    letter = '?';
    if (c >= 0 && c <= (int)sizeof(message))
        letter = message[c];
    return 0;
}
