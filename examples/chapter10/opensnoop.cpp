// Chapter 10, opensnoop: which files are opened, by whom, and with what result.
//
// You will see two programs being attached, where openat(2) begins and where it ends, and then a table that grows:
//
//     PID    COMM              FD ERR PATH
//     812    cat                3   0 /etc/hostname
//     813    cat               -1   2 /no/such/file
//
// Run it as root:   build/examples/example_chapter10_opensnoop
// ^C ends. Man pages: openat(2), errno(3) (the numbers of ERR). Its program: progs/chapter10/opensnoop.bpf.c
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
    std::int32_t result;
    char command[16];
    char path[120];
};

static void print_event(ByteView sample) {
    event opened;
    if (sample.size() < sizeof(opened)) return;
    std::memcpy(&opened, sample.data(), sizeof(opened));
    const int fd = opened.result >= 0 ? opened.result : -1;
    const int error = opened.result >= 0 ? 0 : -opened.result;
    std::printf("%-6u %-16.16s %3d %3d %.120s\n", opened.pid, opened.command, fd, error, opened.path);
    std::fflush(stdout);
}

int main(int argc, char** argv) try {
    const std::string path = argc > 1 ? argv[1] : "build/progs/chapter10/opensnoop.bpf.o";
    LiveGate live;
    NarratingGate gate(live, FileSink(stderr));
    std::signal(SIGINT, [](int) { stop = 1; });

    Object object = load(gate, open_object(gate, path));
    Poller poller(gate);
    const RingBuffer events(poller, object.require_map("events"), print_event);

    // Both sections name their tracepoints.
    std::vector<Link> links;
    for (const Program& program : object.programs()) links.push_back(attach(gate, program));

    std::printf("%-6s %-16s %3s %3s %s\n", "PID", "COMM", "FD", "ERR", "PATH");
    std::fflush(stdout);
    while (!stop) poller.wait(100);
} catch (const Error& error) {
    std::fprintf(stderr, "%s\n%s%s\n", error.what(), error.detail().kernel_log.c_str(), error.detail().hint.c_str());
    return static_cast<int>(error.detail().blame);
}
