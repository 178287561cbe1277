// What the runners have in common. Each is one static program: runner.cpp and timed_syscall.cpp, which are the same in
// all, and the loader that is measured: load_minibpf.cpp, load_libbpf.cpp, or load_nothing.cpp.
#pragma once

#include <cstdint>
#include <ctime>

/// Which loader this is: "libbpf 1.1".
const char* loader_name();

/// Opens and loads the object file and keeps it loaded; false, with the reason on standard error, if that fails.
/// What callgrind counts is what happens in here, so it has a name that callgrind can be given.
extern "C" bool open_and_load(const char* path);

/// The calls of bpf(2) so far, and how long the process was in them (timed_syscall.cpp).
struct BpfCalls {
    long count = 0;
    std::int64_t inside_ns = 0;
};
extern BpfCalls bpf_calls;

inline std::int64_t now_ns() noexcept {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
}
