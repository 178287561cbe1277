// Chapter 3: a function call inside BPF.
//
// You will see one program being loaded, made of two functions, and then a line for every system call on the machine:
//
//     bash-812     [001] ...21  1234.567890: bpf_trace_printk: Syscall: 257
//
// Run it as root:   build/examples/example_chapter3_hello_func
// ^C ends. Man pages: bpf(2). Its program: progs/chapter3/hello_func.bpf.c
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
    const std::string path = argc > 1 ? argv[1] : "build/progs/chapter3/hello_func.bpf.o";
    LiveGate live;
    NarratingGate gate(live, FileSink(stderr));
    std::signal(SIGINT, [](int) { stop = 1; });

    // get_opcode() is in .text. The loader puts its instructions behind those of hello_func, and writes into the call
    // how far away it is: insn_cnt of bpf(BPF_PROG_LOAD) counts both.
    Object object = load(gate, open_object(gate, path));
    Poller poller(gate);
    TracePipe lines(poller, printk_formats(object.spec()), print_line);

    const Link link = attach(gate, object.require_program("hello_func"));
    while (!stop) poller.wait(100);
} catch (const Error& error) {
    std::fprintf(stderr, "%s\n%s%s\n", error.what(), error.detail().kernel_log.c_str(), error.detail().hint.c_str());
    return static_cast<int>(error.detail().blame);
}
