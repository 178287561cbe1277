// SPDX-License-Identifier: MIT OR GPL-2.0
#include "../chapter4/hello_buffer_config.h"

#define NR_EXECVE 59 /* x86-64 */

SEC("raw_tp/sys_enter")
int hello(struct bpf_raw_tracepoint_args *ctx)
{
    if (ctx->args[1] != NR_EXECVE)
        return 0;
    return send_message(ctx);
}
