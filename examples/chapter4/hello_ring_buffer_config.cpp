// Chapter 4: the bpf() system call, with a ring buffer in the place of the perf buffer.
//
// You will see the same calls as of hello_buffer_config up to the two updates of `config`; then, instead of a ring for
// each CPU, two mmap() of the one ring, and epoll. From then on a line for every command that is executed:
//
//     812 0 bash Hey root!
//
// Run it as root:   build/examples/example_chapter4_hello_ring_buffer_config
// and execute commands in another terminal, also as user 1000. ^C ends. On a kernel without kprobes:
//    build/examples/example_chapter4_hello_ring_buffer_config build/progs/chapter4/hello_ring_buffer_config.bpf.o
//    raw_tp:sys_enter
//
// Man pages: bpf(2), mmap(2), epoll(7). Its program: progs/chapter4/hello_ring_buffer_config.bpf.c
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>

#include <libminibpf/minibpf.hpp>

using namespace minibpf;

static volatile std::sig_atomic_t stop = 0;

// The same structs as in the BPF program.
struct data_t {
    std::uint32_t pid;
    std::uint32_t uid;
    char command[16];
    char message[12];
};
struct user_msg_t {
    char message[12];
};

static void print_sample(ByteView sample) {
    data_t data;
    if (sample.size() < sizeof(data)) return;
    std::memcpy(&data, sample.data(), sizeof(data));
    std::printf("%u %u %.16s %.12s\n", data.pid, data.uid, data.command, data.message);
    std::fflush(stdout);
}

int main(int argc, char** argv) try {
    const std::string path = argc > 1 ? argv[1] : "build/progs/chapter4/hello_ring_buffer_config.bpf.o";
    LiveGate live(AttrSize::book);  // 128 bytes of bpf_attr for each call, as in the book
    NarratingGate gate(live, FileSink(stderr), {.attr_size = AttrSize::book});
    std::signal(SIGINT, [](int) { stop = 1; });

    // Where the kernel has no kprobes: another hook, if one was given. The program does not look at its context, so it
    // may run there, loaded as a program of that hook's type.
    ObjectSpec spec = open_object(gate, path);
    if (argc > 2) spec.require_program("hello").kind = program_kind_at(parse_hook(argv[2]));

    Object object = load(gate, std::move(spec));
    const Link link = attach(gate, object.require_program("hello"));

    Map& config = object.require_map("config");
    const std::uint32_t root = 0;
    const std::uint32_t user = 1000;
    const user_msg_t to_root = {"Hey root!"};
    const user_msg_t to_user = {"Hi user 1k!"};
    config.update(bytes_of(root), bytes_of(to_root));
    config.update(bytes_of(user), bytes_of(to_user));

    // The consumer's page, which we write, and the producer's page with the data behind it, which the kernel writes.
    Poller poller(gate);
    const RingBuffer output(poller, object.require_map("output"), print_sample);
    while (!stop) poller.wait(100);
} catch (const Error& error) {
    std::fprintf(stderr, "%s\n%s%s\n", error.what(), error.detail().kernel_log.c_str(), error.detail().hint.c_str());
    return static_cast<int>(error.detail().blame);
}
