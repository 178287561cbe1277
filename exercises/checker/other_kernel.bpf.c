// SPDX-License-Identifier: MIT OR GPL-2.0
//
// The types of a kernel that there never was: task_struct begins with 1000 bytes of something else. Only the BTF of this
// object is of use.
struct task_struct {
    char something_else[1000];
    int pid;
    int tgid;
    struct task_struct *real_parent;
};

struct task_struct init_task = {};
