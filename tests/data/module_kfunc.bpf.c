// SPDX-License-Identifier: MIT OR GPL-2.0
// What a module has: a function that is called, and one that a program is attached to.
#include <minibpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern int minibpf_module_function(int x) __ksym;

SEC("raw_tp/sys_enter") int calls(void *ctx) { return minibpf_module_function(3); }

SEC("fentry/minibpf_module:minibpf_module_function") int inside(void *ctx) { return 0; }
