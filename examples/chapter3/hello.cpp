// Chapter 3: Hello World from XDP, with a counter that is a global variable.
//
// You will see a line for every packet that the interface receives, and at the end the counter itself, read from the
// memory that the program counts in:
//
//     <idle>-0       [001] ..s21  1234.567890: bpf_trace_printk: Hello World 7
//
// Run it as root:   build/examples/example_chapter3_hello build/progs/chapter3/hello.bpf.o lo
// and in another terminal:   ping -c 3 127.0.0.1
// ^C ends. Man pages: bpf(2). Its program: progs/chapter3/hello.bpf.c
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
    const std::string path = argc > 1 ? argv[1] : "build/progs/chapter3/hello.bpf.o";
    LiveGate live;
    NarratingGate gate(live, FileSink(stderr));
    std::signal(SIGINT, [](int) { stop = 1; });
    const std::string interface = argc > 2 ? argv[2] : "lo";

    // `counter` is in .bss and the format in .rodata: two array maps of one element each.
    Object object = load(gate, open_object(gate, path));
    Poller poller(gate);
    TracePipe lines(poller, printk_formats(object.spec()), print_line);

    // The section says "xdp" and no more: which interface is for us to say. bpf(BPF_LINK_CREATE).
    const Link link = attach(gate, object.require_program("hello"), parse_hook("xdp:" + interface));
    while (!stop) poller.wait(100);

    // .bss is mapped: reading the variable is no call.
    std::printf("counter = %d\n", object.variable<int>("counter"));
} catch (const Error& error) {
    std::fprintf(stderr, "%s\n%s%s\n", error.what(), error.detail().kernel_log.c_str(), error.detail().hint.c_str());
    return static_cast<int>(error.detail().blame);
}
