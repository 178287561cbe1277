// Loads one object once and prints what that took:
//
//     load_minibpf OBJECT   ->   wall_ns=1234567 bpf_ns=987654 bpf_calls=5 peak_kb=2048
//     load_minibpf          ->   minibpf 0.1.0
//
// Nothing is attached; the object goes when the process ends. bench/run starts the runners in turn, many times, and
// under callgrind and strace.
#include "runner.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

// Writes to no file: a line in strace's output that says where open and load begin and end.
static void mark(const char* word) {
    if (write(-1, word, std::strlen(word)) >= 0) std::abort();
}

// The most memory that the process has had in RAM at one time: VmHWM in /proc/self/status, proc(5).
static long peak_kb() {
    char status[4096];
    const int fd = open("/proc/self/status", O_RDONLY);
    const ssize_t length = read(fd, status, sizeof(status) - 1);
    close(fd);
    if (length <= 0) return -1;
    status[length] = '\0';
    const char* line = std::strstr(status, "VmHWM:");
    return line ? std::atol(line + 6) : -1;
}

int main(int argc, char** argv) {
    if (argc != 2) {
        std::puts(loader_name());
        return argc == 1 ? 0 : 2;
    }

    mark("begin");
    const std::int64_t begin = now_ns();
    const bool loaded = open_and_load(argv[1]);
    const std::int64_t wall_ns = now_ns() - begin;
    mark("end");
    if (!loaded) return 1;

    const long peak = peak_kb();
    std::printf("wall_ns=%lld bpf_ns=%lld bpf_calls=%ld peak_kb=%ld\n", static_cast<long long>(wall_ns),
                static_cast<long long>(bpf_calls.inside_ns), bpf_calls.count, peak);
    std::fflush(stdout);
    _exit(0);  // without destructors: the kernel cleans up after both alike
}
