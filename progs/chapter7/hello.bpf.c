// SPDX-License-Identifier: MIT OR GPL-2.0
//
// Chapter 7: six programs of six types, all of which see a program being executed. They differ in when they run, and in how
// they come by its path.
//
//     execve(2) ---> ksyscall, tp                      the path is in the memory of who calls, and may yet be wrong
//          |
//     begin_new_exec() ---> kprobe, fentry             the file is open and will be executed
//          |
//     sched_process_exec ---> tp_btf, raw_tp           the process has become the new program
//
// The book probes do_execve() in the middle. Compilers have long inlined that; begin_new_exec() (Linux 5.8) is called from
// another file than it is in, so it is always a function of its own.
#include "minibpf_tracing.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct data_t {
    u32 pid;
    u32 uid;
    u32 number;
    char command[16];
    char hook[16];
    char path[32];
};

/* So that user space finds it in the BTF: --events output:data_t. */
const struct data_t *unused_data_t __attribute__((unused));

struct {
    __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
    __type(key, u32);
    __type(value, u32);
} output SEC(".maps");

/* How often a process was seen: so the order of the hooks is told even where their events come from several CPUs. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 10240);
    __type(key, u32);
    __type(value, u32);
} seen SEC(".maps");

/* Constants: they are in .rodata, which the loader makes a map. */
const char ksyscall_hook[16] = "ksyscall";
const char kprobe_hook[16] = "kprobe";
const char fentry_hook[16] = "fentry";
const char tp_hook[16] = "tp";
const char tp_btf_hook[16] = "tp_btf";
const char raw_tp_hook[16] = "raw_tp";

static __always_inline u32 count(u32 pid)
{
    u32 first = 1;
    u32 *number = bpf_map_lookup_elem(&seen, &pid);

    if (number)
        return ++*number;
    bpf_map_update_elem(&seen, &pid, &first, BPF_ANY);
    return first;
}

static __always_inline void describe(struct data_t *data, const char *hook)
{
    data->pid = bpf_get_current_pid_tgid() >> 32;
    data->uid = bpf_get_current_uid_gid() & 0xffffffff;
    data->number = count(data->pid);
    bpf_get_current_comm(&data->command, sizeof(data->command));
    bpf_probe_read_kernel(&data->hook, sizeof(data->hook), hook);
}

static __always_inline int send_user_path(void *ctx, const char *hook, const char *path)
{
    struct data_t data = {};

    describe(&data, hook);
    bpf_probe_read_user_str(&data.path, sizeof(data.path), path);
    bpf_perf_event_output(ctx, &output, BPF_F_CURRENT_CPU, &data, sizeof(data));
    return 0;
}

static __always_inline int send_kernel_path(void *ctx, const char *hook, const char *path)
{
    struct data_t data = {};

    describe(&data, hook);
    bpf_probe_read_kernel_str(&data.path, sizeof(data.path), path);
    bpf_perf_event_output(ctx, &output, BPF_F_CURRENT_CPU, &data, sizeof(data));
    return 0;
}

/* A kprobe on the system call's function. Its arguments are in registers that its only argument points to, if the kernel is
 * one of those that do it so: the .kconfig variable LINUX_HAS_SYSCALL_WRAPPER. */
SEC("ksyscall/execve")
int BPF_KPROBE_SYSCALL(ksyscall_execve, const char *path)
{
    return send_user_path(ctx, ksyscall_hook, path);
}

/* A breakpoint in the kernel. What it points to has to be read with care: BPF_CORE_READ. */
SEC("kprobe/begin_new_exec")
int BPF_KPROBE(kprobe_exec, struct linux_binprm *bprm)
{
    return send_kernel_path(ctx, kprobe_hook, BPF_CORE_READ(bprm, filename));
}

/* A call in the place that the compiler left for ftrace. The verifier knows the arguments' types, so pointers may be followed. */
SEC("fentry/begin_new_exec")
int BPF_PROG(fentry_exec, struct linux_binprm *bprm)
{
    return send_kernel_path(ctx, fentry_hook, bprm->filename);
}

/* A tracepoint, with its fields in the order of its format file. */
SEC("tp/syscalls/sys_enter_execve")
int tp_sys_enter_execve(struct trace_event_raw_sys_enter *ctx)
{
    return send_user_path(ctx, tp_hook, (const char *)ctx->args[0]);
}

/* The same kind of place, but with the arguments of the kernel's own call of it, and their types. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(tp_btf_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
    return send_kernel_path(ctx, tp_btf_hook, bprm->filename);
}

/* And without their types: numbers. */
SEC("raw_tp/sched_process_exec")
int raw_tp_exec(struct bpf_raw_tracepoint_args *ctx)
{
    struct linux_binprm *bprm = (struct linux_binprm *)ctx->args[2];

    return send_kernel_path(ctx, raw_tp_hook, BPF_CORE_READ(bprm, filename));
}
