// Chapter 10, profile: what the processors are busy with.
//
// You will see a timer being opened on each CPU, which runs the program 99 times a second; and at the end the stacks
// that were found, the most frequent one last: the kernel's functions, the process's functions, the process, how often.
//
//     read_zero+0x3e
//     vfs_read+0xb3
//     ksys_read+0x5f
//     ...
//     read+0x17
//     -                dd (812)
//         42
//
// Run it as root:   build/examples/example_chapter10_profile
// and keep a processor busy:   dd if=/dev/zero of=/dev/null bs=1M
// ^C ends it and shows. Of one process only:
//                   build/examples/example_chapter10_profile build/progs/chapter10/profile.bpf.o 812
//
// Man pages: perf_event_open(2), proc_pid_maps(5), bpf(2). Its program: progs/chapter10/profile.bpf.c
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include <libminibpf/minibpf.hpp>

using namespace minibpf;

static volatile std::sig_atomic_t stop = 0;

// The same struct as in the BPF program.
struct place {
    std::uint32_t pid;
    std::int32_t kernel_stack;
    std::int32_t user_stack;
    char command[16];
};
using Counts = std::vector<std::pair<std::uint64_t, place>>;

static Counts read_counts(const Map& map) {
    Counts counts;
    for (std::optional<Bytes> key = map.next_key({}); key; key = map.next_key(*key)) {
        const std::optional<Bytes> value = map.lookup(*key);
        if (!value) continue;
        auto& [count, where] = counts.emplace_back();
        std::memcpy(&where, key->data(), sizeof(where));
        std::memcpy(&count, value->data(), sizeof(count));
    }
    std::sort(counts.begin(), counts.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    return counts;
}

// A stack is an array of return addresses, the innermost function's first; zeros fill it up.
static void print_stack(const Map& stacks, std::int32_t id, const std::function<std::string(std::uint64_t)>& name_of) {
    if (id < 0) return;
    const std::optional<Bytes> stack = stacks.lookup(bytes_of(id));
    for (std::size_t at = 0; stack && at < stack->size(); at += sizeof(std::uint64_t)) {
        std::uint64_t address = 0;
        std::memcpy(&address, stack->data() + at, sizeof(address));
        if (address != 0) std::printf("    %s\n", name_of(address).c_str());
    }
}

int main(int argc, char** argv) try {
    const std::string path = argc > 1 ? argv[1] : "build/progs/chapter10/profile.bpf.o";
    LiveGate live;
    NarratingGate gate(live, FileSink(stderr));
    std::signal(SIGINT, [](int) { stop = 1; });

    ObjectSpec spec = open_object(gate, path);
    if (argc > 2) spec.variable<std::uint32_t>("only_pid") = static_cast<std::uint32_t>(std::atoi(argv[2]));
    Object object = load(gate, std::move(spec));
    {
        // For each CPU perf_event_open() and ioctl(PERF_EVENT_IOC_SET_BPF). 99, lest it run in step with the kernel's
        // own clock of 100 or 250 a second.
        const Link link = attach(gate, object.require_program("sample"), parse_hook("perf_event:cpu-clock@99"));
        while (!stop) sleep(1);  // ^C ends it early
    }

    // Names come out of /proc/kallsyms and of the files that processes have mapped: much to read, so not narrated.
    StackSymbols symbols(live);
    const Map& stacks = object.require_map("stacks");
    for (const auto& [count, where] : read_counts(object.require_map("counts"))) {
        const int pid = static_cast<int>(where.pid);
        print_stack(stacks, where.kernel_stack, [&](std::uint64_t address) { return symbols.kernel(address); });
        print_stack(stacks, where.user_stack, [&](std::uint64_t address) { return symbols.user(pid, address); });
        std::printf("    -                %.16s (%d)\n        %llu\n\n", where.command, pid,
                    static_cast<unsigned long long>(count));
    }
} catch (const Error& error) {
    std::fprintf(stderr, "%s\n%s%s\n", error.what(), error.detail().kernel_log.c_str(), error.detail().hint.c_str());
    return static_cast<int>(error.detail().blame);
}
