// SPDX-License-Identifier: MIT OR GPL-2.0
// Iterators over processes, the elements of a map, and cgroups.
#include "minibpf_helpers.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define fits_the_kernel __attribute__((preserve_access_index))

struct seq_file;
struct bpf_map;

struct bpf_iter_meta {
    struct seq_file *seq;
    u64 session_id;
    u64 seq_num;
} fits_the_kernel;

struct task_struct {
    int pid;
    int tgid;
} fits_the_kernel;

struct cgroup {
    int level;
} fits_the_kernel;

struct bpf_iter__task {
    struct bpf_iter_meta *meta;
    struct task_struct *task;
};

struct bpf_iter__bpf_map_elem {
    struct bpf_iter_meta *meta;
    struct bpf_map *map;
    u32 *key;
    u64 *value;
};

struct bpf_iter__cgroup {
    struct bpf_iter_meta *meta;
    struct cgroup *cgroup;
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 8);
    __type(key, u32);
    __type(value, u64);
} squares SEC(".maps");

static long (*const bpf_seq_printf)(struct seq_file *seq, const char *format, u32 format_size, const void *data,
                                    u32 data_size) = (void *)126;

static const char task_line[] = "process %d thread %d\n";
static const char element_line[] = "%u squared is %llu\n";
static const char cgroup_line[] = "level %d\n";

SEC("iter/task")
int tasks(struct bpf_iter__task *ctx) {
    struct task_struct *task = ctx->task;
    if (!task) return 0;
    u64 values[] = {task->tgid, task->pid};
    bpf_seq_printf(ctx->meta->seq, task_line, sizeof(task_line), values, sizeof(values));
    return 0;
}

SEC("iter/bpf_map_elem")
int elements(struct bpf_iter__bpf_map_elem *ctx) {
    u32 *key = ctx->key;
    u64 *value = ctx->value;
    if (!key || !value) return 0;
    u64 values[] = {*key, *value};
    bpf_seq_printf(ctx->meta->seq, element_line, sizeof(element_line), values, sizeof(values));
    return 0;
}

SEC("?iter/cgroup")
int cgroups(struct bpf_iter__cgroup *ctx) {
    struct cgroup *cgroup = ctx->cgroup;
    if (!cgroup) return 0;
    u64 values[] = {cgroup->level};
    bpf_seq_printf(ctx->meta->seq, cgroup_line, sizeof(cgroup_line), values, sizeof(values));
    return 0;
}
