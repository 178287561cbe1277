/* SPDX-License-Identifier: MIT OR GPL-2.0
 *
 * As much of the kernel's types as the benchmark reads. Where the members lie is for the loader to find out: under
 * preserve_access_index each access becomes a CO-RE relocation, and what stands here only has to have the right names.
 */
#ifndef BENCH_KERNEL_TYPES_H
#define BENCH_KERNEL_TYPES_H

#include "minibpf_helpers.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct qstr {
    const unsigned char *name;
    u32 len;
};

struct super_block {
    u32 s_dev;
};

struct inode {
    u16 i_mode;
    unsigned long i_ino;
    long long i_size;
    struct super_block *i_sb;
};

struct dentry {
    struct qstr d_name;
    struct inode *d_inode;
};

struct path {
    struct dentry *dentry;
};

struct file {
    struct path f_path;
    struct inode *f_inode;
    u32 f_flags;
    long long f_pos;
};

struct mm_struct {
    struct {
        unsigned long total_vm;
        unsigned long stack_vm;
        unsigned long arg_start;
        int map_count;
        struct file *exe_file;
    };
};

struct cred {
    struct {
        u32 val;
    } uid, gid, euid;
};

struct ns_common {
    u32 inum;
};

struct pid_namespace {
    u32 level;
    struct ns_common ns;
};

struct nsproxy {
    struct pid_namespace *pid_ns_for_children;
};

struct signal_struct {
    int nr_threads;
    u64 utime;
    unsigned long nvcsw;
    unsigned long nivcsw;
};

struct linux_binprm {
    struct file *file;
    int argc;
};

struct task_struct {
    int pid;
    int tgid;
    int prio;
    u32 flags;
    u64 utime;
    u64 stime;
    u64 gtime;
    u64 start_time;
    u64 start_boottime;
    unsigned long nvcsw;
    int exit_code;
    struct task_struct *real_parent;
    struct task_struct *group_leader;
    struct mm_struct *mm;
    struct cred *cred;
    struct nsproxy *nsproxy;
    struct signal_struct *signal;
};

#pragma clang attribute pop

/* One member of a structure of the kernel, by bpf_probe_read_kernel(): for pointers that the verifier does not know. The
 * value has the member's type, so chains are written as they are followed: READ(READ(task, mm), exe_file). */
#define READ(from, member)                                                           \
    ({                                                                               \
        typeof(from) read_from = (from);                                             \
        typeof(read_from->member) read_value = 0;                                    \
        bpf_probe_read_kernel(&read_value, sizeof(read_value), &read_from->member);  \
        read_value;                                                                  \
    })

#endif /* BENCH_KERNEL_TYPES_H */
