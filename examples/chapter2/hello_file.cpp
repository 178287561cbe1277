// Chapter 2: which files are opened, from a tracepoint.
//
// You will see a line for every openat(2) on the machine:
//
//     cat-812     [001] ...21  1234.567890: bpf_trace_printk: cat opens /etc/hostname
//
// Run it as root:   build/examples/example_chapter2_hello_file
// ^C ends. Man pages: bpf(2), perf_event_open(2), openat(2). Its program: progs/chapter2/hello_file.bpf.c
#include <csignal>
#include <cstdio>
#include <string>

#include <libminibpf/minibpf.hpp>

using namespace minibpf;

static volatile std::sig_atomic_t stop = 0;

static void print_line(const TraceLine& line) {
    std::printf("%.*s\n", static_cast<int>(line.whole.size()), line.whole.data());
    std::fflush(stdout);
}

int main(int argc, char** argv) try {
    const std::string path = argc > 1 ? argv[1] : "build/progs/chapter2/hello_file.bpf.o";
    LiveGate live;
    NarratingGate gate(live, FileSink(stderr));
    std::signal(SIGINT, [](int) { stop = 1; });

    // Where the arguments lie in the tracepoint's context is looked up in the kernel's BTF (CO-RE), and written into
    // the program before bpf(BPF_PROG_LOAD).
    Object object = load(gate, open_object(gate, path));
    Poller poller(gate);
    TracePipe lines(poller, printk_formats(object.spec()), print_line);

    // The tracepoint's number is in tracefs; perf_event_open() takes it.
    const Link link = attach(gate, object.require_program("hello"));

    while (!stop) poller.wait(100);
} catch (const Error& error) {
    std::fprintf(stderr, "%s\n%s%s\n", error.what(), error.detail().kernel_log.c_str(), error.detail().hint.c_str());
    return static_cast<int>(error.detail().blame);
}
