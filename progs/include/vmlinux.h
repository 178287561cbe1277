/* SPDX-License-Identifier: MIT OR GPL-2.0
 *
 * The kernel's own structs, as much of them as our programs read. `bpftool btf dump file /sys/kernel/btf/vmlinux format c`
 * prints all there are of a kernel, 100,000 lines and more; but with CO-RE only the members that a program names have to be
 * here, in any order: where they lie is for the loader to find out (minibpf_core.h).
 */
#ifndef MINIBPF_VMLINUX_H
#define MINIBPF_VMLINUX_H

#include "minibpf_helpers.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* arch/x86/include/asm/ptrace.h, arch/arm64/include/uapi/asm/ptrace.h: the registers of whoever was interrupted. */
#if defined(__TARGET_ARCH_x86)
struct pt_regs {
    unsigned long di, si, dx, cx, r8, r9, r10, ax, orig_ax, ip, sp, bp;
};
#elif defined(__TARGET_ARCH_arm64)
struct pt_regs {
    u64 regs[31];
    u64 sp;
    u64 pc;
    u64 orig_x0;
};
#else
#error "how a function's arguments are passed is not known here for this machine: see minibpf_tracing.h"
#endif

/* include/linux/trace_events.h: the first eight bytes of each tracepoint's context. */
struct trace_entry {
    unsigned short type;
    unsigned char flags;
    unsigned char preempt_count;
    int pid;
};

/* include/trace/events/syscalls.h */
struct trace_event_raw_sys_enter {
    struct trace_entry ent;
    long id;
    unsigned long args[6];
};
struct trace_event_raw_sys_exit {
    struct trace_entry ent;
    long id;
    long ret;
};

/* include/trace/events/sock.h */
struct trace_event_raw_inet_sock_set_state {
    struct trace_entry ent;
    int oldstate;
    int newstate;
    u16 sport; /* in the order of the processor */
    u16 dport;
    u16 family;
    u8 saddr[4];
    u8 daddr[4];
};

/* include/linux/sched.h */
struct task_struct {
    int pid;  /* of the thread; what user space calls pid is tgid */
    int tgid;
    struct task_struct *real_parent;
    char comm[16];
};

/* include/linux/fs.h, dcache.h, path.h */
struct qstr {
    u32 len;
    const unsigned char *name;
};
struct dentry {
    struct qstr d_name;
};
struct vfsmount;
struct path {
    struct vfsmount *mnt;
    struct dentry *dentry;
};
struct file {
    struct path f_path;
};
struct filename {
    const char *name;
};
struct linux_binprm {
    const char *filename;
};

/* include/net/sock.h */
struct sock_common {
    u32 skc_daddr;      /* in network byte order */
    u32 skc_rcv_saddr;
    u16 skc_dport;      /* in network byte order */
    u16 skc_num;
    unsigned short skc_family;
};
struct sock {
    struct sock_common __sk_common;
};

#pragma clang attribute pop

#endif /* MINIBPF_VMLINUX_H */
