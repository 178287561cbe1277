// Chapter 4: the bpf() system call, seen through a kprobe.
//
// You will see the calls that load the object: BTF, the maps `output` and `config`, the program, its attachment; then
// two updates of `config`, one perf ring for each CPU, and from then on a line for every command that is executed:
//
//     812 0 bash Hey root!
//
// Run it as root:   build/examples/example_chapter4_hello_buffer_config
// and execute commands in another terminal, also as user 1000. ^C ends. On a kernel without kprobes the raw
// tracepoint's:
//                   build/examples/example_chapter4_hello_buffer_config_raw_tp
//
// Man pages: bpf(2), perf_event_open(2), epoll(7). Its program: progs/chapter4/hello_buffer_config.bpf.c
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>

#include <libminibpf/minibpf.hpp>

using namespace minibpf;

// The same structs as in the BPF program (progs/chapter4/hello_buffer_config.h).
struct data_t {
    std::uint32_t pid;
    std::uint32_t uid;
    char command[16];
    char message[12];
};
struct user_msg_t {
    char message[12];
};

static volatile std::sig_atomic_t stop = 0;

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
    const std::string path = argc > 1 ? argv[1] : "build/progs/chapter4/hello_buffer_config.bpf.o";
    LiveGate live(AttrSize::book);  // 128 bytes of bpf_attr for each call, as in the book
    NarratingGate gate(live, FileSink(stderr), {.attr_size = AttrSize::book});
    std::signal(SIGINT, [](int) { stop = 1; });

    // BPF_BTF_LOAD, BPF_MAP_CREATE twice, BPF_PROG_LOAD.
    Object object = load(gate, open_object(gate, path));

    // The kprobe: perf_event_open() on the kprobe PMU, ioctl(PERF_EVENT_IOC_SET_BPF), ioctl(PERF_EVENT_IOC_ENABLE).
    const Link link = attach(gate, object.require_program("hello"));

    // BPF_MAP_UPDATE_ELEM twice: which message a user gets. The program reads the map each time, so this works while it
    // runs.
    Map& config = object.require_map("config");
    const std::uint32_t root = 0;
    const std::uint32_t user = 1000;
    const user_msg_t to_root = {"Hey root!"};
    const user_msg_t to_user = {"Hi user 1k!"};
    config.update(bytes_of(root), bytes_of(to_root));
    config.update(bytes_of(user), bytes_of(to_user));

    // For each CPU perf_event_open(), mmap(), ioctl(PERF_EVENT_IOC_ENABLE), BPF_MAP_UPDATE_ELEM into `output`.
    Poller poller(gate);
    const PerfBuffer output(poller, object.require_map("output"), print_sample, print_lost);
    while (!stop) poller.wait(100);
} catch (const Error& error) {
    std::fprintf(stderr, "%s\n%s%s\n", error.what(), error.detail().kernel_log.c_str(), error.detail().hint.c_str());
    return static_cast<int>(error.detail().blame);
}
