// Chapter 2: which files are opened, through a ring buffer.
//
// You will see one ring for all CPUs being mapped, and then a line for every openat(2) on the machine:
//
//     cat - /etc/hostname
//
// Run it as root:   build/examples/example_chapter2_hello_file_ring_buffer
// ^C ends. Man pages: bpf(2), mmap(2), epoll(7). Its program: progs/chapter2/hello_file_ring_buffer.bpf.c
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>

#include <libminibpf/minibpf.hpp>

using namespace minibpf;

static volatile std::sig_atomic_t stop = 0;

// The same struct as in the BPF program.
struct event {
    char command[16];
    char filename[64];
};

static void print_sample(ByteView sample) {
    event opened;
    if (sample.size() < sizeof(opened)) return;
    std::memcpy(&opened, sample.data(), sizeof(opened));
    std::printf("%.16s - %.64s\n", opened.command, opened.filename);
    std::fflush(stdout);
}

int main(int argc, char** argv) try {
    const std::string path = argc > 1 ? argv[1] : "build/progs/chapter2/hello_file_ring_buffer.bpf.o";
    LiveGate live;
    NarratingGate gate(live, FileSink(stderr));
    std::signal(SIGINT, [](int) { stop = 1; });

    Object object = load(gate, open_object(gate, path));
    const Link link = attach(gate, object.require_program("hello"));

    // mmap() of the consumer's page, which we write, and of the producer's with the data, which the kernel writes;
    // epoll.
    Poller poller(gate);
    const RingBuffer output(poller, object.require_map("output"), print_sample);
    while (!stop) poller.wait(100);
} catch (const Error& error) {
    std::fprintf(stderr, "%s\n%s%s\n", error.what(), error.detail().kernel_log.c_str(), error.detail().hint.c_str());
    return static_cast<int>(error.detail().blame);
}
