#!/usr/bin/python3
"""The topics of examples/side_by_side.cpp in Python with BCC: what docs/side-by-side/bcc.md lays beside it.

BCC is not needed by anything here: the test looks at the syntax and at the names of the functions. To run them, as root:
apt-get install python3-bpfcc linux-headers-$(uname -r).
"""

import os
import sys

from bcc import BPF, USDT

SOURCE = r"""
#include <uapi/linux/ptrace.h>
#include <linux/sched.h>

struct event {
    u32 pid;
    char command[TASK_COMM_LEN];
};

BPF_HASH(counts, u64, u64);
BPF_PERF_OUTPUT(samples);
BPF_RINGBUF_OUTPUT(events, 16);
BPF_PROG_ARRAY(jumps, 4);

int hello(void *ctx) { bpf_trace_printk("Hello\n"); return 0; }
int landed(void *ctx) { bpf_trace_printk("Hello after a jump\n"); return 0; }
int jump(void *ctx) { jumps.call(ctx, 2); return 0; }
int count_execs(void *ctx) { counts.increment(bpf_get_current_uid_gid() & 0xffffffff); return 0; }
int send_sample(struct pt_regs *ctx) {
    struct event event = {.pid = bpf_get_current_pid_tgid() >> 32};
    bpf_get_current_comm(&event.command, sizeof(event.command));
    samples.perf_submit(ctx, &event, sizeof(event));
    return 0;
}
int send_event(void *ctx) {
    struct event event = {.pid = bpf_get_current_pid_tgid() >> 32};
    bpf_get_current_comm(&event.command, sizeof(event.command));
    events.ringbuf_output(&event, sizeof(event), 0);
    return 0;
}
"""


def compile_text():
    b = BPF(text=r"""
        int hello(void *ctx) { bpf_trace_printk("Hello World!\n"); return 0; }
    """)
    b.load_func("hello", BPF.TRACEPOINT)


def compile_with_flags():
    b = BPF(src_file="hello.c", cflags=["-DDEBUG"])
    return b


def load_one_program():
    b = BPF(text=SOURCE)
    b.load_func("count_execs", BPF.RAW_TRACEPOINT)


def attach_kprobe():
    b = BPF(text=SOURCE)
    b.attach_kprobe(event=b.get_syscall_fnname("execve"), fn_name="hello")


def attach_kretprobe():
    b = BPF(text=SOURCE)
    b.attach_kretprobe(event=b.get_syscall_fnname("execve"), fn_name="hello", maxactive=16)


def attach_tracepoint():
    b = BPF(text=SOURCE)
    b.attach_tracepoint(tp="sched:sched_process_exec", fn_name="hello")


def attach_raw_tracepoint():
    b = BPF(text=SOURCE)
    b.attach_raw_tracepoint(tp="sched_process_exec", fn_name="hello")


def attach_usdt(pid):
    usdt = USDT(pid=pid)
    usdt.enable_probe(probe="request_begins", fn_name="hello")
    return BPF(text=SOURCE, usdt_contexts=[usdt])


def one_program_on_several_hooks():
    b = BPF(text=SOURCE)
    for name in ["execve", "openat", "close"]:
        b.attach_tracepoint(tp="syscalls:sys_enter_" + name, fn_name="hello")


def several_programs_on_one_hook():
    b = BPF(text=SOURCE)
    for name in ["count_execs", "landed"]:
        b.attach_raw_tracepoint(tp="sched_process_exec", fn_name=name)


def hash_table():
    b = BPF(text=SOURCE)
    counts = b["counts"]
    counts[counts.Key(1000)] = counts.Leaf(5)
    b.attach_raw_tracepoint(tp="sched_process_exec", fn_name="count_execs")
    os.system("/bin/true")
    print("root", "is counted" if counts.Key(0) in counts else "is not there")
    users = len(counts.items())
    print("and others" if users >= 2 else "and nobody else")
    del counts[counts.Key(0)]


def tail_calls():
    b = BPF(text=SOURCE)
    landed = b.load_func("landed", BPF.RAW_TRACEPOINT)
    b["jumps"][2] = landed
    b.attach_raw_tracepoint(tp="sched_process_exec", fn_name="jump")


def perf_buffer():
    b = BPF(text=SOURCE)
    b.attach_kprobe(event=b.get_syscall_fnname("execve"), fn_name="send_sample")

    def print_event(cpu, data, size):
        print(b["samples"].event(data).command.decode())

    b["samples"].open_perf_buffer(print_event, page_cnt=64)
    b.perf_buffer_poll(timeout=100)


def ring_buffer():
    b = BPF(text=SOURCE)
    b.attach_raw_tracepoint(tp="sched_process_exec", fn_name="send_event")

    def print_event(ctx, data, size):
        print(b["events"].event(data).command.decode())

    b["events"].open_ring_buffer(print_event)
    b.ring_buffer_poll(timeout=100)


def trace_lines():
    b = BPF(text=SOURCE)
    b.attach_tracepoint(tp="syscalls:sys_enter_execve", fn_name="hello")
    b.trace_print()


if __name__ == "__main__":
    for topic in sys.argv[1:]:
        globals()[topic]()
