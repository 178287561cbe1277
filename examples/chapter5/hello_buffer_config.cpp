// Chapter 5: CO-RE, and BTF for both sides.
//
// You will see the kernel's BTF being mapped before the load, because the program reads execve's argument out of struct
// pt_regs; .kconfig and .data becoming maps; and then a line for every command that is executed:
//
//     812 0 bash /usr/bin/ls Hey root!
//
// Run it as root:   build/examples/example_chapter5_hello_buffer_config
// and execute commands in another terminal. ^C ends. On a kernel without kprobes, the same object's other program:
//    build/examples/example_chapter5_hello_buffer_config build/progs/chapter5/hello_buffer_config.bpf.o hello_tp
//
// Man pages: bpf(2), perf_event_open(2). Its program: progs/chapter5/hello_buffer_config.bpf.c
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>

#include <libminibpf/minibpf.hpp>

#include "../../progs/chapter5/hello_buffer_config.h"

using namespace minibpf;

static volatile std::sig_atomic_t stop = 0;

static void print_sample(int /*cpu*/, ByteView sample) {
    data_t data;
    if (sample.size() < sizeof(data)) return;
    std::memcpy(&data, sample.data(), sizeof(data));
    std::printf("%d %d %.16s %.16s %.12s\n", data.pid, data.uid, data.command, data.path, data.message);
    std::fflush(stdout);
}

static void print_lost(int cpu, std::uint64_t count) {
    std::fprintf(stderr, "lost %llu samples on CPU %d\n", static_cast<unsigned long long>(count), cpu);
}

int main(int argc, char** argv) try {
    const std::string path = argc > 1 ? argv[1] : "build/progs/chapter5/hello_buffer_config.bpf.o";
    LiveGate live;
    NarratingGate gate(live, FileSink(stderr));
    std::signal(SIGINT, [](int) { stop = 1; });
    const std::string program = argc > 2 ? argv[2] : "hello";

    // BTF, CO-RE: docs/chapters tells of the offsets that the loader writes into the instructions. Only this one
    // program.
    Object object = load(gate, open_object(gate, path), {.programs = {program}});
    const Link link = attach(gate, object.require_program(program));

    // The message for user 0. Everybody else gets the one in .data, which is ours to change: it is mapped.
    const std::uint32_t root = 0;
    const user_msg_t to_root = {"Hey root!"};
    object.require_map("my_config").update(bytes_of(root), bytes_of(to_root));

    Poller poller(gate);
    const PerfBuffer output(poller, object.require_map("output"), print_sample, print_lost);
    while (!stop) poller.wait(100);
} catch (const Error& error) {
    std::fprintf(stderr, "%s\n%s%s\n", error.what(), error.detail().kernel_log.c_str(), error.detail().hint.c_str());
    return static_cast<int>(error.detail().blame);
}
