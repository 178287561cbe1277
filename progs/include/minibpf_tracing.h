/* SPDX-License-Identifier: MIT OR GPL-2.0
 *
 * The arguments of whatever a program was attached to, by name instead of out of the context:
 *
 *     SEC("kprobe/do_unlinkat")      int BPF_KPROBE(hello, int dfd, struct filename *name)
 *     SEC("kretprobe/do_unlinkat")   int BPF_KRETPROBE(hello, long result)
 *     SEC("ksyscall/execve")         int BPF_KPROBE_SYSCALL(hello, const char *path)
 *     SEC("fentry/do_unlinkat")      int BPF_PROG(hello, int dfd, struct filename *name)
 *
 * Each becomes two functions: the one that the kernel calls with the context, and an inlined one with the arguments, whose
 * body is what follows.
 */
#ifndef MINIBPF_TRACING_H
#define MINIBPF_TRACING_H

#include "minibpf_core.h"
#include "vmlinux.h"

/* Where the calling convention puts the first arguments of a function, and of a system call. */
#if defined(__TARGET_ARCH_x86)
#define PT_REGS_PARM1(ctx) ((ctx)->di)
#define PT_REGS_PARM2(ctx) ((ctx)->si)
#define PT_REGS_PARM3(ctx) ((ctx)->dx)
#define PT_REGS_PARM4(ctx) ((ctx)->cx)
#define PT_REGS_PARM5(ctx) ((ctx)->r8)
#define PT_REGS_RC(ctx) ((ctx)->ax)
#define __syscall_member1 di
#define __syscall_member2 si
#define __syscall_member3 dx
#define __syscall_member4 r10 /* the instruction `syscall` puts the return address into rcx */
#define __syscall_member5 r8
#elif defined(__TARGET_ARCH_arm64)
#define PT_REGS_PARM1(ctx) ((ctx)->regs[0])
#define PT_REGS_PARM2(ctx) ((ctx)->regs[1])
#define PT_REGS_PARM3(ctx) ((ctx)->regs[2])
#define PT_REGS_PARM4(ctx) ((ctx)->regs[3])
#define PT_REGS_PARM5(ctx) ((ctx)->regs[4])
#define PT_REGS_RC(ctx) ((ctx)->regs[0])
#define __syscall_member1 orig_x0 /* regs[0] is where the result comes */
#define __syscall_member2 regs[1]
#define __syscall_member3 regs[2]
#define __syscall_member4 regs[3]
#define __syscall_member5 regs[4]
#endif

/* Since Linux 4.17 a system call's function takes one argument, a pointer to the caller's registers, on machines whose kernel has
 * CONFIG_ARCH_HAS_SYSCALL_WRAPPER. The loader sets this variable; the branch that is not taken is gone before the verifier looks. */
extern u8 LINUX_HAS_SYSCALL_WRAPPER __kconfig;

#define __syscall_parm(number)                                                              \
    ({                                                                                      \
        unsigned long __parm;                                                               \
        bpf_core_read(&__parm, sizeof(__parm), &__regs->__syscall_member##number);          \
        __parm;                                                                             \
    })

/* How many arguments there are, 0 to 5, and the values for as many, each with a comma before it. */
#define __argument_count(...) __argument_count_(_, ##__VA_ARGS__, 5, 4, 3, 2, 1, 0)
#define __argument_count_(_0, _1, _2, _3, _4, _5, count, ...) count
#define __paste(a, b) a##b
#define __values(from, count) __paste(__values, count)(from)
#define __values0(from)
#define __values1(from) , from(1)
#define __values2(from) __values1(from), from(2)
#define __values3(from) __values2(from), from(3)
#define __values4(from) __values3(from), from(4)
#define __values5(from) __values4(from), from(5)

#define __from_registers(number) (void *)PT_REGS_PARM##number(ctx)
#define __from_result(number) (void *)PT_REGS_RC(ctx)
#define __from_context(number) (void *)ctx[number - 1]
#define __from_syscall(number) (void *)__syscall_parm(number)

/* An argument comes as a pointer and goes wherever its declaration says: a number, too. */
#define __program(context, name, from, setup, args...)                                      \
    name(context);                                                                          \
    static __always_inline int name##_body(context, ##args);                                \
    int name(context)                                                                       \
    {                                                                                       \
        setup                                                                               \
        _Pragma("GCC diagnostic push")                                                      \
        _Pragma("GCC diagnostic ignored \"-Wint-conversion\"")                              \
        return name##_body(ctx __values(from, __argument_count(args)));                     \
        _Pragma("GCC diagnostic pop")                                                       \
    }                                                                                       \
    static __always_inline int name##_body(context, ##args)

#define BPF_PROG(name, args...) __program(unsigned long long *ctx, name, __from_context, , ##args)
#define BPF_KPROBE(name, args...) __program(struct pt_regs *ctx, name, __from_registers, , ##args)
#define BPF_KRETPROBE(name, args...) __program(struct pt_regs *ctx, name, __from_result, , ##args)
#define BPF_KPROBE_SYSCALL(name, args...)                                                   \
    __program(struct pt_regs *ctx, name, __from_syscall,                                    \
              struct pt_regs *__regs = LINUX_HAS_SYSCALL_WRAPPER                            \
                                           ? (struct pt_regs *)PT_REGS_PARM1(ctx) : ctx;,   \
              ##args)
#define BPF_KSYSCALL BPF_KPROBE_SYSCALL

#endif /* MINIBPF_TRACING_H */
