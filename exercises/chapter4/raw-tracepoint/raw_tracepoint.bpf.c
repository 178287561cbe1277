// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Exercise: the same messages, but from the raw tracepoint sys_enter. progs/chapter4/hello_buffer_config.h has the maps and the
// function send_message(), so only what is here has to change.
#include "../chapter4/hello_buffer_config.h"

SEC("ksyscall/execve")
int hello(void *ctx)
{
    return send_message(ctx);
}
