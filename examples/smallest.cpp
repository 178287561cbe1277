// The smallest loader: one program, no maps, no BTF, attached to a tracepoint by perf_event_open(2).
//
// You will see six system calls, each as strace prints it, and then one line for every command that is executed:
//
//     bash-812     [001] ...21  1234.567890: bpf_trace_printk: Get
//
// Run it as root:   build/examples/example_smallest build/progs/smallest.bpf.o      (an ELF file)
//              or   build/examples/example_smallest build/progs/smallest.text       (nothing but the instructions)
// and execute a command in another terminal. ^C ends.
//
// Man pages: bpf(2), perf_event_open(2). Its program: progs/smallest.bpf.c
#include <csignal>
#include <cstdio>
#include <string>

#include <libminibpf/minibpf.hpp>

using namespace minibpf;

static volatile std::sig_atomic_t stop = 0;

// Raw instructions do not say what they are, so we do. An ELF file with nothing but .text does not either.
static ObjectSpec open_smallest(KernelGate& gate, const std::string& path) {
    ProgramKind kind;
    kind.type = BPF_PROG_TYPE_TRACEPOINT;
    if (path.ends_with(".text")) return parse_raw_instructions(read_file(gate, path), path, kind, "GPL");
    ObjectSpec object = parse_object(read_file(gate, path), path);
    object.programs.at(0).kind = kind;
    return object;
}

int main(int argc, char** argv) try {
    const std::string path = argc > 1 ? argv[1] : "build/progs/smallest.bpf.o";
    LiveGate live;
    NarratingGate gate(live, FileSink(stderr));
    std::signal(SIGINT, [](int) { stop = 1; });

    // bpf(BPF_PROG_LOAD): the verifier checks the instructions, and the kernel compiles them.
    Object object = load(gate, open_smallest(gate, path));

    // What the program prints comes out of /sys/kernel/tracing/trace_pipe.
    Poller poller(gate);
    TracePipe lines(poller, printk_formats(object.spec()), [](const TraceLine& line) {
        std::printf("%.*s\n", static_cast<int>(line.whole.size()), line.whole.data());
        std::fflush(stdout);
    });

    // perf_event_open() with the tracepoint's number, ioctl(PERF_EVENT_IOC_SET_BPF), ioctl(PERF_EVENT_IOC_ENABLE).
    Hook hook;
    hook.kind = HookKind::tracepoint;
    hook.target = "syscalls/sys_enter_execve";
    const Link link = attach(gate, object.programs().at(0), hook);

    while (!stop) poller.wait(100);
} catch (const Error& error) {
    std::fprintf(stderr, "%s\n%s%s\n", error.what(), error.detail().kernel_log.c_str(), error.detail().hint.c_str());
    return static_cast<int>(error.detail().blame);
}
