// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Chapter 9: a file's mode is changed, and a program may say no. Linux security modules (AppArmor, SELinux) have the kernel
// ask them at some 200 places; with CONFIG_BPF_LSM and `bpf` among the modules of the boot option lsm=, programs are asked too.
//
// User space sets `file` before the load: the name of the one file whose mode must not change. It has to be a constant: then
// the map .rodata is frozen, and bpf_strncmp() takes nothing else.
#include "minibpf_tracing.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define EPERM 1
#define NAME_SIZE 32

const char file[NAME_SIZE] = "";

static __always_inline int is_file(const char *name)
{
    return name[0] && bpf_strncmp(name, NAME_SIZE, file) == 0;
}

/* bpf_printk() has no %o: the number that reads in decimal as the mode does in octal. */
static __always_inline int octal(unsigned short mode)
{
    return (mode >> 9 & 7) * 1000 + (mode >> 6 & 7) * 100 + (mode >> 3 & 7) * 10 + (mode & 7);
}

/* Called by chmod(2), fchmod(2) and fchmodat(2). 0: as far as we are concerned, yes; an error: no. */
SEC("lsm/path_chmod")
int BPF_PROG(path_chmod, const struct path *path, unsigned short mode)
{
    char name[NAME_SIZE] = "";

    bpf_probe_read_kernel_str(name, sizeof(name), path->dentry->d_name.name);
    if (is_file(name)) {
        bpf_printk("Refused to change the mode of %s to %d", name, octal(mode));
        return -EPERM;
    }
    bpf_printk("Change of the mode of %s to %d", name, octal(mode));
    return 0;
}

/* The same kind of place on a kernel without BPF's security module: the function by which the kernel asks all modules. fentry
 * sees the question but cannot answer it. It is asked at each read and write, even of trace_pipe, so only `file` is told of. */
SEC("?fentry/security_file_permission")
int BPF_PROG(file_permission, struct file *opened, int mask)
{
    char name[NAME_SIZE] = "";

    bpf_probe_read_kernel_str(name, sizeof(name), opened->f_path.dentry->d_name.name);
    if (is_file(name))
        bpf_printk("%s %s", mask & 2 ? "Write to" : "Read from", name);
    return 0;
}
