// Chapter 10, tcpconnect: who connects where by TCP.
//
// You will see a kprobe and a kretprobe being attached to one function, and then a table that grows:
//
//     PID     COMM             IP SADDR            DADDR            DPORT
//     812     curl             4  192.168.1.7      151.101.2.132    443
//
// Run it as root:   build/examples/example_chapter10_tcpconnect
// ^C ends. On a kernel without kprobes the program at a tracepoint does, which is in the same object:
//                   build/examples/example_chapter10_tcpconnect build/progs/chapter10/tcpconnect.bpf.o state_changes
//
// Man pages: connect(2), tcp(7). Its program: progs/chapter10/tcpconnect.bpf.c
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include <arpa/inet.h>

#include <libminibpf/minibpf.hpp>

using namespace minibpf;

static volatile std::sig_atomic_t stop = 0;

// The same struct as in the BPF program.
struct event {
    std::uint32_t pid;
    char command[16];
    unsigned char from[4];
    unsigned char to[4];
    std::uint16_t port;
};

static void print_event(ByteView sample) {
    event connected;
    if (sample.size() < sizeof(connected)) return;
    std::memcpy(&connected, sample.data(), sizeof(connected));
    char from[INET_ADDRSTRLEN], to[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, connected.from, from, sizeof(from));
    inet_ntop(AF_INET, connected.to, to, sizeof(to));
    std::printf("%-7u %-16.16s 4  %-16s %-16s %u\n", connected.pid, connected.command, from, to, connected.port);
    std::fflush(stdout);
}

int main(int argc, char** argv) try {
    const std::string path = argc > 1 ? argv[1] : "build/progs/chapter10/tcpconnect.bpf.o";
    LiveGate live;
    NarratingGate gate(live, FileSink(stderr));
    std::signal(SIGINT, [](int) { stop = 1; });

    // `state_changes` is optional, SEC("?..."): it is loaded only if it is asked for, and then alone.
    LoadOptions options;
    if (argc > 2) options.programs = {argv[2]};
    Object object = load(gate, open_object(gate, path), options);
    Poller poller(gate);
    const RingBuffer events(poller, object.require_map("events"), print_event);

    std::vector<Link> links;
    for (const Program& program : object.programs()) links.push_back(attach(gate, program));

    std::printf("%-7s %-16s %-2s %-16s %-16s %s\n", "PID", "COMM", "IP", "SADDR", "DADDR", "DPORT");
    std::fflush(stdout);
    while (!stop) poller.wait(100);
} catch (const Error& error) {
    std::fprintf(stderr, "%s\n%s%s\n", error.what(), error.detail().kernel_log.c_str(), error.detail().hint.c_str());
    return static_cast<int>(error.detail().blame);
}
