// SPDX-License-Identifier: MIT OR GPL-2.0
//
// The smallest thing worth loading: no map, no BTF needed, no relocation. One section, `.text`, with eight instructions.
//
//     ./loader --type tracepoint --attach tracepoint:syscalls/sys_enter_execve -c true build/progs/smallest.text
//
// The message lives on the stack, so that the instructions need no data section: llvm-objcopy --dump-section can take
// them out of the ELF file, and the loader can load the raw bytes.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

int smallest(void *ctx)
{
    char message[] = "Get";
    bpf_trace_printk(message, sizeof(message));
    return 0;
}
