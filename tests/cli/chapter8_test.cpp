// Chapter 8's examples, on a cable of the test's own: pings are seen, lost, and answered by a BPF program.
#include <sstream>

#include "example.hpp"
#include "veth.hpp"

using namespace minibpf::test;

namespace {

void require_network() {
    require_prerequisite(geteuid() == 0, "root");
    require_prerequisite(run("command -v ip").status == 0, "iproute2");
    require_prerequisite(run("busybox ping -c 1 -W 1 127.0.0.1").status != 127, "busybox");
}

// The newer way where the kernel has not got the older one.
std::string tc_or_tcx() {
    for (const char* kind : {"tc", "tcx"}) {
        const Said said = run(loader() + " -q --program tc_drop_ping " + prog("chapter8/network.bpf.o") +
                              " --attach tc_drop_ping=" + kind + "/ingress:lo -c true");
        if (said.status == 0) return kind;
    }
    skip_unless_kernel_has("tc programs", false);
    return {};
}

// What `command`'s exit status was while the example ran, between its own lines.
std::string telling(const std::string& command) {
    return command + " >/dev/null 2>&1; echo \"status $?\"";
}

// Of far's /proc/net/snmp, where a line of names is followed by one of values.
std::string icmp_counter(const Cable& cable, const std::string& name) {
    const Said said = run(cable.in_far("cat /proc/net/snmp"));
    std::vector<std::string> lines;
    for (const std::string& line : lines_of(said.out))
        if (line.starts_with("Icmp: ")) lines.push_back(line);
    REQUIRE(lines.size() == 2);
    std::istringstream names(lines[0]), values(lines[1]);
    for (std::string counter, value; names >> counter && values >> value;)
        if (counter == name) return value;
    return "no such counter";
}

Said run_network(const std::string& program, const std::string& event) {
    return run_example({"chapter8_network", "near " + program + " " + tc_or_tcx(), event,
                        "RTM_NEWTFILTER|attach_type=BPF_TCX_INGRESS|attach_type=0x2e"});
}

}  // namespace

TEST_CASE("chapter 8: a ping is lost to XDP, and counted", "[cli][kernel][chapter][network]") {
    require_network();
    const Cable cable;
    CHECK(run(cable.ping()).status == 0);
    const Said said = run_example(
        {"chapter8_ping", "near", telling(cable.ping()) + "; " + telling(cable.ping()), "^bpf.BPF_LINK_CREATE"});
    INFO("standard output: " << said.out);
    INFO("standard error: " << said.err);
    CHECK(said.status == 0);
    CHECK(says(said, "^status 1$"));
    CHECK_FALSE(says(said, "^status 0$"));
    CHECK(says(said, "bpf_trace_printk: Got ping packet$"));
    CHECK(says(said, "^2 pings dropped$"));
    CHECK(run(cable.ping()).status == 0);
}

TEST_CASE("chapter 8: packets of a connection are shown from a raw socket, and those of others are not",
          "[cli][kernel][chapter][network]") {
    require_network();
    const Cable cable;
    const std::string connect = cable.in_far("bash -c \"echo > /dev/tcp/10.8.0.1/80\"");
    const Said said = run_network("tc_drop_ping", telling(cable.ping()) + "; " + telling(connect));
    INFO("standard output: " << said.out);
    INFO("standard error: " << said.err);
    CHECK(said.status == 0);
    CHECK(says(said, "^10.8.0.2:[0-9]+ > 10.8.0.1:80 TCP, [0-9]+ bytes$"));
    CHECK(says(said, "^10.8.0.1:80 > 10.8.0.2:[0-9]+ TCP, [0-9]+ bytes$"));  // nobody listens: a reset
    if (has_kprobes())
        CHECK(says(said, "bpf_trace_printk: TCP connection$"));
    else
        CHECK(said.err.find("without tcp_connect: ") != std::string::npos);
}

TEST_CASE("chapter 8: tc drops a ping that XDP has seen, and lets others pass", "[cli][kernel][chapter][network]") {
    require_network();
    const Cable cable;
    CHECK(run(cable.ping()).status == 0);
    const Said said = run_network("tc_drop_ping", telling(cable.ping()));
    INFO("standard output: " << said.out);
    INFO("standard error: " << said.err);
    CHECK(said.status == 0);
    CHECK(says(said, "bpf_trace_printk: XDP: got ping packet$"));
    CHECK(says(said, "bpf_trace_printk: tc: dropped a ping$"));
    CHECK(says(said, "^status 1$"));
    CHECK(run(cable.ping()).status == 0);
}

TEST_CASE("chapter 8: tc drops everything", "[cli][kernel][chapter][network]") {
    require_network();
    const Cable cable;
    const Said said = run_network("tc_drop", telling(cable.ping()));
    INFO("standard output: " << said.out);
    INFO("standard error: " << said.err);
    CHECK(said.status == 0);
    CHECK(says(said, "bpf_trace_printk: tc: dropped a packet$"));
    CHECK(says(said, "^status 1$"));
}

TEST_CASE("chapter 8: a ping that the kernel ignores is answered by BPF", "[cli][kernel][chapter][network]") {
    require_network();
    const Cable cable;
    CHECK(run("echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all").status == 0);
    CHECK(run(cable.ping()).status == 1);
    const Said said = run_network("tc_pingpong", cable.ping() + "; echo \"status $?\"");
    INFO("standard output: " << said.out);
    INFO("standard error: " << said.err);
    CHECK(said.status == 0);
    CHECK(says(said, "bpf_trace_printk: tc: answered a ping$"));
    CHECK(says(said, "^64 bytes from 10.8.0.1: "));
    CHECK(says(said, "^status 0$"));
    // ping has a raw socket, which gets an answer with a wrong checksum too; but the kernel counts those.
    CHECK(icmp_counter(cable, "InEchoReps") == "1");
    CHECK(icmp_counter(cable, "InCsumErrors") == "0");
    CHECK(run(cable.ping()).status == 1);
}

TEST_CASE("chapter 8: the command drops pings as well", "[cli][kernel][chapter][network]") {
    require_network();
    const Cable cable;
    const Said said = run(loader() + " -q " + prog("chapter8/ping.bpf.o") + " --attach ping=xdp:near --show .bss -c '" +
                          cable.ping() + "'");
    INFO("standard output: " << said.out);
    INFO("standard error: " << said.err);
    CHECK(says(said, "Got ping packet$"));
    CHECK(says(said, "pings=1"));
    CHECK(says(said, "100% packet loss"));
}

TEST_CASE("chapter 8: the narration is what strace prints", "[cli][kernel][strace][network]") {
    require_network();
    load_network_modules();
    const NetworkNamespace network;
    compare_example("example_chapter8_ping", prog("chapter8/ping.bpf.o") + " lo", "^bpf.BPF_LINK_CREATE", 8);
    for (const char* program : {"tc_pingpong", "tc_drop_ping", "tc_drop"}) {
        // The last call but tc's own, which are told by netlink.
        compare_example("example_chapter8_network",
                        prog("chapter8/network.bpf.o") + " lo " + program + " " + tc_or_tcx(), "^bpf.BPF_LINK_CREATE",
                        10);
    }
}

TEST_CASE("chapter 8: the narration is what strace prints, sockets and netlink included",
          "[cli][kernel][strace][network]") {
    require_network();
    load_network_modules();
    const NetworkNamespace network;
    for (const char* program : {"tc_pingpong", "tc_drop_ping", "tc_drop"}) {
        INFO(program);
        const std::string kind = tc_or_tcx();
        const bool by_netlink = kind == "tc";
        const std::string last = by_netlink ? "RTM_NEWTFILTER" : "attach_type=BPF_TCX_INGRESS|attach_type=0x2e";
        const auto lines =
            compare_example("example_chapter8_network", prog("chapter8/network.bpf.o") + " lo " + program + " " + kind,
                            last, 14, network_calls);
        for (const char* call : {"socket(AF_PACKET, ", "bind(", "setsockopt("}) {
            INFO(call);
            CHECK(has_call(lines, call));
        }
        CHECK(std::any_of(lines.begin(), lines.end(),
                          [](const auto& line) { return line.find("SO_ATTACH_BPF") != std::string::npos; }));
        // The queueing discipline, the filter, and in the end the filter's and the discipline's removal.
        if (by_netlink) CHECK(has_call(lines, "sendto("));
        if (by_netlink) CHECK(has_call(lines, "recvfrom("));
    }
}
