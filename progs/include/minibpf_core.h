/* SPDX-License-Identifier: MIT OR GPL-2.0
 *
 * CO-RE, "compile once, run everywhere": reading the kernel's own structs wherever their members lie.
 *
 * clang does not know where `task->tgid` lies in the kernel that the program will run on. For a struct with the attribute
 * preserve_access_index it notes the access itself ("member tgid of task_struct") beside the instruction, in section .BTF.ext,
 * and the loader writes the offset that the running kernel's BTF gives into the instruction.
 */
#ifndef MINIBPF_CORE_H
#define MINIBPF_CORE_H

#include "minibpf_helpers.h"

/* One member, and a chain of pointers: BPF_CORE_READ(task, real_parent, tgid) is task->real_parent->tgid, each step by
 * bpf_probe_read_kernel(), for a pointer out of the kernel's memory cannot simply be followed (tp_btf and fentry
 * programs may). */
#define bpf_core_read(to, size, from) \
    bpf_probe_read_kernel(to, size, (const void *)__builtin_preserve_access_index(from))

#define __core_step(to, from, member)                      \
    typeof((from)->member) to;                             \
    bpf_core_read(&to, sizeof(to), &(from)->member)
#define __core_read1(source, a) ({ __core_step(__m1, source, a); __m1; })
#define __core_read2(source, a, b) ({ __core_step(__m1, source, a); __core_step(__m2, __m1, b); __m2; })
#define __core_read3(source, a, b, c) \
    ({ __core_step(__m1, source, a); __core_step(__m2, __m1, b); __core_step(__m3, __m2, c); __m3; })
#define __core_read4(source, a, b, c, d)                                                                     \
    ({ __core_step(__m1, source, a); __core_step(__m2, __m1, b); __core_step(__m3, __m2, c);                 \
       __core_step(__m4, __m3, d); __m4; })
#define __core_choose(_1, _2, _3, _4, name, ...) name
#define BPF_CORE_READ(source, members...) \
    __core_choose(members, __core_read4, __core_read3, __core_read2, __core_read1)(source, members)

/* A string, or a char array, in the kernel's memory. */
#define bpf_core_read_str(to, size, from) \
    bpf_probe_read_kernel_str(to, size, (const void *)__builtin_preserve_access_index(from))

/* Questions that the loader answers with a constant, so that the verifier never sees the branch that is not taken. */
#define bpf_core_field_exists(field) __builtin_preserve_field_info(field, 2 /* BPF_CORE_FIELD_EXISTS */)
#define bpf_core_field_size(field) __builtin_preserve_field_info(field, 1 /* BPF_CORE_FIELD_BYTE_SIZE */)
#define bpf_core_type_exists(type) __builtin_preserve_type_info(*(type *)0, 0 /* BPF_CORE_TYPE_EXISTS */)

#endif /* MINIBPF_CORE_H */
