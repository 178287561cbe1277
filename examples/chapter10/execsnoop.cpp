// Chapter 10, execsnoop: which programs are executed, with their arguments.
//
// You will see two programs being attached, where execve(2) begins and where it ends, and then a table that grows:
//
//     PCOMM            PID     PPID    RET ARGS
//     ls               812     640       0 /usr/bin/ls -l /tmp
//     bash             813     640      -2 /no/such/program
//
// Run it as root:   build/examples/example_chapter10_execsnoop
// ^C ends. Man pages: execve(2), errno(3) (the numbers of RET). Its program: progs/chapter10/execsnoop.bpf.c
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include <libminibpf/minibpf.hpp>

using namespace minibpf;

static volatile std::sig_atomic_t stop = 0;

// The same struct as in the BPF program.
struct event {
    std::uint32_t pid;
    std::uint32_t parent_pid;
    std::int32_t result;
    std::uint32_t args_size;
    char command[16];
    char args[480];
};

static void print_event(ByteView sample) {
    event executed;
    if (sample.size() < sizeof(executed)) return;
    std::memcpy(&executed, sample.data(), sizeof(executed));
    // The arguments are strings one after another: their ends become blanks.
    std::string args(executed.args, std::min<std::size_t>(executed.args_size, sizeof(executed.args)));
    std::replace(args.begin(), args.end(), '\0', ' ');
    std::printf("%-16.16s %-7u %-7u %3d %s\n", executed.command, executed.pid, executed.parent_pid, executed.result,
                args.c_str());
    std::fflush(stdout);
}

int main(int argc, char** argv) try {
    const std::string path = argc > 1 ? argv[1] : "build/progs/chapter10/execsnoop.bpf.o";
    LiveGate live;
    NarratingGate gate(live, FileSink(stderr));
    std::signal(SIGINT, [](int) { stop = 1; });

    Object object = load(gate, open_object(gate, path));
    Poller poller(gate);
    const RingBuffer events(poller, object.require_map("events"), print_event);

    // Both sections name their tracepoints.
    std::vector<Link> links;
    for (const Program& program : object.programs()) links.push_back(attach(gate, program));

    std::printf("%-16s %-7s %-7s %3s %s\n", "PCOMM", "PID", "PPID", "RET", "ARGS");
    std::fflush(stdout);
    while (!stop) poller.wait(100);
} catch (const Error& error) {
    std::fprintf(stderr, "%s\n%s%s\n", error.what(), error.detail().kernel_log.c_str(), error.detail().hint.c_str());
    return static_cast<int>(error.detail().blame);
}
