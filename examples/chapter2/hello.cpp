// Chapter 2: Hello World, from a kprobe.
//
// You will see the calls that load one program and attach it, and then a line for every command that is executed:
//
//     bash-812     [001] ...21  1234.567890: bpf_trace_printk: Hello World!
//
// Run it as root:   build/examples/example_chapter2_hello
// and execute commands in another terminal. ^C ends. On a kernel without kprobes another hook of the same event does:
//                   build/examples/example_chapter2_hello build/progs/chapter2/hello.bpf.o
//                   tracepoint:syscalls/sys_enter_execve
//
// Man pages: bpf(2), perf_event_open(2). Its program: progs/chapter2/hello.bpf.c
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
    const std::string path = argc > 1 ? argv[1] : "build/progs/chapter2/hello.bpf.o";
    LiveGate live;
    NarratingGate gate(live, FileSink(stderr));
    std::signal(SIGINT, [](int) { stop = 1; });

    // Where the kernel has no kprobes: another hook, if one was given. The program does not look at its context, so it
    // may run there, loaded as a program of that hook's type.
    ObjectSpec spec = open_object(gate, path);
    if (argc > 2) spec.require_program("hello").kind = program_kind_at(parse_hook(argv[2]));

    // The string of bpf_printk() is in .rodata, which becomes a map; then bpf(BPF_PROG_LOAD).
    Object object = load(gate, std::move(spec));

    // What all BPF programs print comes out of one file, /sys/kernel/tracing/trace_pipe.
    Poller poller(gate);
    TracePipe lines(poller, printk_formats(object.spec()), print_line);

    // The kprobe: perf_event_open() on the kprobe PMU, ioctl(PERF_EVENT_IOC_SET_BPF), ioctl(PERF_EVENT_IOC_ENABLE).
    const Link link = attach(gate, object.require_program("hello"));

    while (!stop) poller.wait(100);
} catch (const Error& error) {
    std::fprintf(stderr, "%s\n%s%s\n", error.what(), error.detail().kernel_log.c_str(), error.detail().hint.c_str());
    return static_cast<int>(error.detail().blame);
}
