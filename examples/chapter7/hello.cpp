// Chapter 7: one event, six types of programs.
//
// You will see six programs of one object being loaded, each with another prog_type or expected_attach_type, and
// attached in the way of its type; and then up to six lines for every command that is executed:
//
//     812    0      1    bash             ksyscall         /usr/bin/ls
//     812    0      2    bash             tp               /usr/bin/ls
//     812    0      3    bash             kprobe           /usr/bin/ls
//     ...
//     812    0      6    ls               tp_btf           /usr/bin/ls
//
// Where the kernel lacks a hook, the example says which, and goes on without it.
//
// Run it as root:   build/examples/example_chapter7_hello
// and execute commands in another terminal. ^C ends. One program of the six:
//                   build/examples/example_chapter7_hello build/progs/chapter7/hello.bpf.o raw_tp_exec
//
// Man pages: bpf(2), perf_event_open(2), execve(2). Its program: progs/chapter7/hello.bpf.c
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include <libminibpf/minibpf.hpp>

using namespace minibpf;

static volatile std::sig_atomic_t stop = 0;

// The same struct as in the BPF program.
struct data_t {
    std::uint32_t pid;
    std::uint32_t uid;
    std::uint32_t number;
    char command[16];
    char hook[16];
    char path[32];
};

static void print_sample(int /*cpu*/, ByteView sample) {
    data_t data;
    if (sample.size() < sizeof(data)) return;
    std::memcpy(&data, sample.data(), sizeof(data));
    std::printf("%-6u %-6u %-4u %-16.16s %-16.16s %.32s\n", data.pid, data.uid, data.number, data.command, data.hook,
                data.path);
    std::fflush(stdout);
}

static void print_lost(int cpu, std::uint64_t count) {
    std::fprintf(stderr, "lost %llu samples on CPU %d\n", static_cast<unsigned long long>(count), cpu);
}

static void print_missing(const std::string& program, const Error& error) {
    std::fprintf(stderr, "without %s: %s\n%s\n", program.c_str(), error.what(), error.detail().hint.c_str());
}

int main(int argc, char** argv) try {
    const std::string path = argc > 1 ? argv[1] : "build/progs/chapter7/hello.bpf.o";
    LiveGate live;
    NarratingGate gate(live, FileSink(stderr));
    std::signal(SIGINT, [](int) { stop = 1; });

    // fentry and tp_btf programs are verified for one function or tracepoint of the running kernel, so they fail here
    // where it cannot be had; the others go on.
    LoadOptions options{.keep_going = true};
    if (argc > 2) options.programs = {argv[2]};
    Object object = load(gate, open_object(gate, path), options);
    for (const FailedProgram& failed : object.failed_programs()) print_missing(failed.name, failed.error);

    Poller poller(gate);
    const PerfBuffer output(poller, object.require_map("output"), print_sample, print_lost);

    // Kprobes and tracepoints are perf events, the others take BPF_RAW_TRACEPOINT_OPEN: one call.
    std::vector<Link> links;
    for (const Program& program : object.programs()) {
        try {
            links.push_back(attach(gate, program));
        } catch (const Error& error) {
            print_missing(program.name(), error);
        }
    }
    if (links.empty()) return static_cast<int>(Blame::facility);

    while (!stop) poller.wait(100);
} catch (const Error& error) {
    std::fprintf(stderr, "%s\n%s%s\n", error.what(), error.detail().kernel_log.c_str(), error.detail().hint.c_str());
    return static_cast<int>(error.detail().blame);
}
