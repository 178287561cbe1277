// Chapter 8: four places where a program meets the network.
//
// You will see programs being attached in four ways (perf event, socket option, BPF link, netlink), and then, while
// somebody pings this machine's end of the interface and connects to it:
//
//     <idle>-0    [001] ..s21  1234.567890: bpf_trace_printk: XDP: got ping packet
//     <idle>-0    [001] ..s21  1234.567891: bpf_trace_printk: tc: answered a ping
//     10.8.0.2:46082 > 10.8.0.1:80 TCP, 74 bytes
//
// Run it as root:   build/examples/example_chapter8_network build/progs/chapter8/network.bpf.o near tc_pingpong
// where the last word is what becomes of packets: tc_pingpong (the program answers pings, the kernel never sees them),
// tc_drop_ping or tc_drop. How to make the interface `near`: examples/chapter8/ping.cpp. ^C ends. Since Linux 6.6 there
// is tcx, which needs no queueing discipline:
//                   build/examples/example_chapter8_network build/progs/chapter8/network.bpf.o near tc_pingpong tcx
//
// Man pages: bpf(2), packet(7), tc-bpf(8), netlink(7). Its program: progs/chapter8/network.bpf.c
#include <csignal>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>

#include <libminibpf/minibpf.hpp>

using namespace minibpf;

static volatile std::sig_atomic_t stop = 0;

static void print_line(const TraceLine& line) {
    std::printf("%.*s\n", static_cast<int>(line.whole.size()), line.whole.data());
    std::fflush(stdout);
}

// What the socket filter let in begins with the Ethernet header, 14 bytes, and is TCP in IPv4.
static void print_packet(ByteView packet) {
    iphdr ip;
    tcphdr tcp;
    if (packet.size() < 14 + sizeof(ip) + sizeof(tcp)) return;
    std::memcpy(&ip, packet.data() + 14, sizeof(ip));
    if (packet.size() < 14 + ip.ihl * 4u + sizeof(tcp)) return;
    std::memcpy(&tcp, packet.data() + 14 + ip.ihl * 4u, sizeof(tcp));
    char from[INET_ADDRSTRLEN], to[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &ip.saddr, from, sizeof(from));
    inet_ntop(AF_INET, &ip.daddr, to, sizeof(to));
    std::printf("%s:%u > %s:%u TCP, %zu bytes\n", from, ntohs(tcp.source), to, ntohs(tcp.dest), packet.size());
    std::fflush(stdout);
}

int main(int argc, char** argv) try {
    const std::string path = argc > 1 ? argv[1] : "build/progs/chapter8/network.bpf.o";
    const std::string interface = argc > 2 ? argv[2] : "lo";
    const std::string tc_program = argc > 3 ? argv[3] : "tc_pingpong";
    const std::string tc = argc > 4 ? argv[4] : "tc";
    LiveGate live;
    NarratingGate gate(live, FileSink(stderr));
    std::signal(SIGINT, [](int) { stop = 1; });

    // The three tc programs exclude each other; the others are loaded in any case.
    Object object =
        load(gate, open_object(gate, path), {.programs = {"tcp_connect", "socket_filter", "xdp_ping", tc_program}});
    Poller poller(gate);
    TracePipe lines(poller, printk_formats(object.spec()), print_line);

    // A perf event; and where the kernel has no kprobes, connections are not told of.
    std::optional<Link> kprobe;
    try {
        kprobe.emplace(attach(gate, object.require_program("tcp_connect")));
    } catch (const Error& error) {
        std::fprintf(stderr, "without tcp_connect: %s\n%s\n", error.what(), error.detail().hint.c_str());
    }

    // socket(AF_PACKET), setsockopt(SO_ATTACH_BPF), bind().
    const Link filter = attach(gate, object.require_program("socket_filter"), parse_hook("socket:" + interface));
    const PacketReader packets(poller, filter.packet_fd(), print_packet);

    // BPF_LINK_CREATE.
    const Link xdp = attach(gate, object.require_program("xdp_ping"), parse_hook("xdp:" + interface));

    // netlink: RTM_NEWQDISC makes the queueing discipline clsact, RTM_NEWTFILTER a filter in it. Both are removed.
    const Link ingress = attach(gate, object.require_program(tc_program), parse_hook(tc + "/ingress:" + interface));

    while (!stop) poller.wait(100);
} catch (const Error& error) {
    std::fprintf(stderr, "%s\n%s%s\n", error.what(), error.detail().kernel_log.c_str(), error.detail().hint.c_str());
    return static_cast<int>(error.detail().blame);
}
