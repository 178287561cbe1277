// Chapter 9: a program among the Linux security modules, which sees each change of a file's mode and may refuse it.
//
// You will see the program being loaded for one of the security modules' hooks (attach_btf_id), and then
//
//     chmod-812     [001] ...11  1234.567890: bpf_trace_printk: Change of the mode of notes to 644
//     chmod-813     [001] ...11  1234.667890: bpf_trace_printk: Refused to change the mode of secret to 777
//
// Run it as root, with the name of the file whose mode must not change:
//                   build/examples/example_chapter9_hello_lsm build/progs/chapter9/hello_lsm.bpf.o secret
// and in another terminal:   touch /tmp/secret && chmod 777 /tmp/secret
//
// It needs `bpf` in /sys/kernel/security/lsm. Where it is missing, a program at the function by which the kernel asks
// its security modules can at least tell of them, here of reading and writing the file:
//                   build/examples/example_chapter9_hello_lsm build/progs/chapter9/hello_lsm.bpf.o secret
//                   file_permission
//
// ^C ends. Man pages: bpf(2), chmod(2). Its program: progs/chapter9/hello_lsm.bpf.c
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
    const std::string path = argc > 1 ? argv[1] : "build/progs/chapter9/hello_lsm.bpf.o";
    const std::string file = argc > 2 ? argv[2] : "";
    const std::string program = argc > 3 ? argv[3] : "path_chmod";
    LiveGate live;
    NarratingGate gate(live, FileSink(stderr));
    std::signal(SIGINT, [](int) { stop = 1; });

    // A constant of the program, which is one from the load on: its map is frozen.
    ObjectSpec spec = open_object(gate, path);
    spec.set_variable("file", "\"" + file + "\"");

    // The verifier is told the hook by its number in the kernel's BTF: the function bpf_lsm_path_chmod().
    Object object = load(gate, std::move(spec), {.programs = {program}});
    Poller poller(gate);
    TracePipe lines(poller, printk_formats(object.spec()), print_line);

    // The load has settled where, so all there is left to say is: now. bpf(BPF_RAW_TRACEPOINT_OPEN).
    const Link link = attach(gate, object.require_program(program));
    while (!stop) poller.wait(100);
} catch (const Error& error) {
    std::fprintf(stderr, "%s\n%s%s\n", error.what(), error.detail().kernel_log.c_str(), error.detail().hint.c_str());
    return static_cast<int>(error.detail().blame);
}
