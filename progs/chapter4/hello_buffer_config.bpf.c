// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Chapter 4: a message for every execve, chosen by the user who made it. A kprobe on the kernel function that does the work.
#include "hello_buffer_config.h"

SEC("ksyscall/execve")
int hello(void *ctx)
{
    return send_message(ctx);
}
