// A watch on the way into the kernel: linked with --wrap=syscall, every syscall(2) of the program comes through here.
//
// Both loaders make bpf(2) by syscall(2), for the C library has no wrapper for it. callgrind is told to leave this
// function out (--toggle-collect=__wrap_syscall), so what the watch costs is nobody's.
#include <sys/syscall.h>

#include "runner.hpp"

BpfCalls bpf_calls;

extern "C" {

long __real_syscall(long number, ...);

// syscall(2) is declared with `...`, but like the C library's own it passes on six registers, whatever they hold.
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f) {
    if (number != SYS_bpf) return __real_syscall(number, a, b, c, d, e, f);

    const std::int64_t begin = now_ns();
    const long result = __real_syscall(number, a, b, c, d, e, f);  // clock_gettime() leaves errno alone
    bpf_calls.inside_ns += now_ns() - begin;
    ++bpf_calls.count;
    return result;
}
}
