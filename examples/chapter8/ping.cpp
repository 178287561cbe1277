// Chapter 8: a machine that no longer answers pings.
//
// You will see one BPF_LINK_CREATE that puts the program on the interface, and then a line for every ping, which the
// one who sent it waits for in vain; at the end how many there were:
//
//     <idle>-0       [001] ..s21  1234.567890: bpf_trace_printk: Got ping packet
//     7 pings dropped
//
// Two ends of a cable to try it on, the far one in a network namespace of its own, as root:
//                   ip netns add there && ip link add near type veth peer name far netns there
//                   ip addr add 10.8.0.1/24 dev near && ip link set near up
//                   ip -n there addr add 10.8.0.2/24 dev far && ip -n there link set far up
// Run it as root:   build/examples/example_chapter8_ping build/progs/chapter8/ping.bpf.o near
// and meanwhile:    ip netns exec there ping 10.8.0.1
// ^C ends; `ip netns delete there` clears away. Man pages: bpf(2), veth(4), ip-netns(8).
// Its program: progs/chapter8/ping.bpf.c
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
    const std::string path = argc > 1 ? argv[1] : "build/progs/chapter8/ping.bpf.o";
    const std::string interface = argc > 2 ? argv[2] : "lo";
    LiveGate live;
    NarratingGate gate(live, FileSink(stderr));
    std::signal(SIGINT, [](int) { stop = 1; });

    Object object = load(gate, open_object(gate, path));
    Poller poller(gate);
    TracePipe lines(poller, printk_formats(object.spec()), print_line);

    const Link link = attach(gate, object.require_program("ping"), parse_hook("xdp:" + interface));
    while (!stop) poller.wait(100);

    std::printf("%llu pings dropped\n", static_cast<unsigned long long>(object.variable<std::uint64_t>("pings")));
} catch (const Error& error) {
    std::fprintf(stderr, "%s\n%s%s\n", error.what(), error.detail().kernel_log.c_str(), error.detail().hint.c_str());
    return static_cast<int>(error.detail().blame);
}
