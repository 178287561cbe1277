// Chapter 2: events through a perf buffer.
//
// You will see one ring being opened and mapped for each CPU, and then a line for every command that is executed:
//
//     812 0 bash Hello World
//
// Run it as root:   build/examples/example_chapter2_hello_buffer
// and execute commands in another terminal. ^C ends. On a kernel without kprobes:
//                   build/examples/example_chapter2_hello_buffer build/progs/chapter2/hello_buffer.bpf.o
//                   raw_tp:sched_process_exec
//
// Man pages: bpf(2), perf_event_open(2), epoll(7). Its program: progs/chapter2/hello_buffer.bpf.c
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>

#include <libminibpf/minibpf.hpp>

using namespace minibpf;

static volatile std::sig_atomic_t stop = 0;

// The same struct as in the BPF program.
struct data_t {
    std::uint32_t pid;
    std::uint32_t uid;
    char command[16];
    char message[12];
};

static void print_sample(int /*cpu*/, ByteView sample) {
    data_t data;
    if (sample.size() < sizeof(data)) return;
    std::memcpy(&data, sample.data(), sizeof(data));
    std::printf("%u %u %.16s %.12s\n", data.pid, data.uid, data.command, data.message);
    std::fflush(stdout);
}

static void print_lost(int cpu, std::uint64_t count) {
    std::fprintf(stderr, "lost %llu samples on CPU %d\n", static_cast<unsigned long long>(count), cpu);
}

int main(int argc, char** argv) try {
    const std::string path = argc > 1 ? argv[1] : "build/progs/chapter2/hello_buffer.bpf.o";
    LiveGate live;
    NarratingGate gate(live, FileSink(stderr));
    std::signal(SIGINT, [](int) { stop = 1; });

    // Where the kernel has no kprobes: another hook, if one was given. The program does not look at its context, so it
    // may run there, loaded as a program of that hook's type.
    ObjectSpec spec = open_object(gate, path);
    if (argc > 2) spec.require_program("hello").kind = program_kind_at(parse_hook(argv[2]));

    Object object = load(gate, std::move(spec));
    const Link link = attach(gate, object.require_program("hello"));

    // For each CPU perf_event_open(), mmap(), ioctl(PERF_EVENT_IOC_ENABLE), BPF_MAP_UPDATE_ELEM into `output`.
    Poller poller(gate);
    const PerfBuffer output(poller, object.require_map("output"), print_sample, print_lost);
    while (!stop) poller.wait(100);
} catch (const Error& error) {
    std::fprintf(stderr, "%s\n%s%s\n", error.what(), error.detail().kernel_log.c_str(), error.detail().hint.c_str());
    return static_cast<int>(error.detail().blame);
}
