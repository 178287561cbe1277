// Every hook of the network and of cgroups from the command line, each way that the kernel has, in a network namespace
// of the test's own; as every_hook_test.cpp does it for those of tracing.
#include <fstream>

#include <libminibpf/object/object_spec.hpp>
#include <tests/kernel/cgroup.hpp>
#include <tests/kernel/cgroup_events.hpp>
#include <tests/kernel/connection.hpp>
#include <tests/kernel/network_hooks.hpp>

#include "hook_run.hpp"
#include "veth.hpp"

using namespace minibpf;
using namespace minibpf::test;

namespace {

std::function<void()> sends_frame(const std::string& interface) {
    return [interface] { send_frame(interface); };
}

void send_some_datagram() {
    send_datagram();
}

TriedHook of_network_hooks(const std::string& program, const std::string& hook, std::function<void()> provoke_it) {
    return {
        .object = "network_hooks", .program = program, .hook = hook, .options = "", .provoke = std::move(provoke_it)};
}

bool has_xdp(const std::string& interface) {
    const Said said = run("ip link show dev " + interface);
    INFO(said.err);
    REQUIRE(said.status == 0);
    return said.out.find("xdp") != std::string::npos;
}

}  // namespace

TEST_CASE("run attaches XDP by link and by netlink, generic and native, and leaves nothing",
          "[cli][kernel][every][network]") {
    require_bpf();
    NetworkNamespace network;
    require_veth(network);
    for (const char* hook : {"xdp:veth1", "xdp:veth1,generic", "xdp:veth1,native"}) {
        TriedHook tried = of_network_hooks("on_xdp", hook, sends_frame("veth0"));
        tried.leaves_traces = [] { return has_xdp("veth1"); };
        check_each_way(tried);
    }
}

TEST_CASE("run replaces another loader's XDP program, and the interface has none in the end",
          "[cli][kernel][every][network]") {
    require_bpf();
    NetworkNamespace network;
    require_veth(network);
    WaitingLoader first("-q --older --program on_xdp --attach xdp:veth1 --show .bss " + object_path("network_hooks"));
    REQUIRE(first.attaches());
    send_frame("veth0");
    TriedHook second = of_network_hooks("on_xdp_too", "xdp:veth1,replace", sends_frame("veth0"));
    second.counter = "second_hits";
    check_hook(second, false);
    CHECK_FALSE(has_xdp("veth1"));
    const Said said = first.finish();
    CHECK(said.status == 0);
    CHECK(shown_value(said.out, "hits") == 1);
}

TEST_CASE("run puts a filter on clsact, and leaves neither filter nor queueing discipline",
          "[cli][kernel][every][network]") {
    require_bpf();
    NetworkNamespace network;
    require_veth(network);
    LiveGate gate;
    require_clsact(gate);
    for (const char* hook : {"tc/ingress:veth1", "tc/egress:veth0", "tc:veth1,priority=10,handle=0x7"}) {
        check_hook(of_network_hooks("on_tc", hook, sends_frame("veth0")), false);
        for (const char* interface : {"veth0", "veth1"}) CHECK_FALSE(remove_clsact(gate, interface));
    }
}

TEST_CASE("run puts several filters on one interface, in the order of their priorities",
          "[cli][kernel][every][network]") {
    require_bpf();
    NetworkNamespace network;
    require_veth(network);
    LiveGate gate;
    require_clsact(gate);
    TriedHook tried = of_network_hooks("second", "tc/ingress:veth1,priority=9", sends_frame("veth0"));
    tried.counter = "order";
    tried.options = "--program first --attach first=tc/ingress:veth1,priority=8";
    const Pins pins;
    WaitingLoader waiting(tried.arguments(pins.path));
    REQUIRE(waiting.attaches());
    send_frame("veth0");
    CHECK(shown_value(waiting.finish().out, "order") == 12);
    CHECK_FALSE(remove_clsact(gate, "veth1"));
}

TEST_CASE("run attaches tcx in both directions, each way, and leaves nothing", "[cli][kernel][every][network]") {
    require_bpf();
    NetworkNamespace network;
    require_veth(network);
    LiveGate gate;
    require_tcx(gate);
    check_each_way(of_network_hooks("on_tc", "tcx/ingress:veth1", sends_frame("veth0")));
    check_each_way(of_network_hooks("on_tc", "tcx/egress:veth0", sends_frame("veth0")));
}

TEST_CASE("run attaches netkit at both ends, each way, and leaves nothing", "[cli][kernel][every][network]") {
    require_bpf();
    NetworkNamespace network;
    require_netkit(network);
    check_each_way(of_network_hooks("on_tc", "netkit/primary:nk0", sends_frame("nk0")));
    check_each_way(of_network_hooks("on_tc", "netkit/peer:nk0", sends_frame("nk1")));
}

namespace {

void send_datagram_to_itself6() {
    talk_to_itself<sockaddr_in6>();
}

}  // namespace

TEST_CASE("run attaches to each place of netfilter that a packet to oneself passes", "[cli][kernel][every][network]") {
    require_bpf();
    NetworkNamespace network;
    LiveGate gate;
    require_netfilter(gate, "netfilter:ip4/pre_routing@-300,defrag");
    const auto check = [](const std::string& place, void (*provoke_it)()) {
        TriedHook tried = of_network_hooks("on_netfilter", "netfilter:" + place, provoke_it);
        tried.object = "network_new_hooks";
        check_hook(tried, true);
    };
    for (const char* place : {"ip4/local_in", "ip4/pre_routing@-300,defrag", "ip4/local_out@100", "ip4/post_routing"})
        check(place, send_some_datagram);
    skip_unless_kernel_has("IPv6", std::filesystem::exists("/proc/sys/net/ipv6"));
    std::ofstream("/proc/sys/net/ipv6/conf/lo/disable_ipv6") << 0;
    for (const char* place : {"ip6/local_in", "ip6/local_out"}) check(place, send_datagram_to_itself6);
}

TEST_CASE("run attaches to the place of netfilter that forwarded packets pass", "[cli][kernel][every][network]") {
    require_bpf();
    {
        const NetworkNamespace network;
        LiveGate gate;
        require_netfilter(gate, "netfilter:ip4/forward,defrag");
    }
    const Cable cable;
    // From far by near to a network behind another interface, where nobody answers: forwarded it is all the same.
    const Said made =
        run("ip link add behind type veth peer name other && ip addr add 10.9.0.1/24 dev behind && ip link set behind "
            "up && "
            "ip link set other up && " +
            cable.in_far("ip route add 10.9.0.0/24 via 10.8.0.1"));
    INFO(made.err);
    REQUIRE(made.status == 0);
    std::ofstream("/proc/sys/net/ipv4/ip_forward") << 1;
    const auto forwarded = [&] { run(cable.in_far("busybox ping -c 1 -W 1 10.9.0.7")); };
    TriedHook tried = of_network_hooks("on_netfilter", "netfilter:ip4/forward", forwarded);
    tried.object = "network_new_hooks";
    check_hook(tried, true);
}

TEST_CASE("run puts a filter on a socket of an interface and shows its packets", "[cli][kernel][every][network]") {
    require_bpf();
    NetworkNamespace network;
    require_veth(network);
    const TriedHook tried = of_network_hooks("on_socket", "socket:veth1", sends_frame("veth0"));
    check_hook(tried, false);
    const Pins pins;
    WaitingLoader waiting(tried.arguments(pins.path));
    REQUIRE(waiting.attaches());
    send_frame("veth0");
    CHECK_THAT(waiting.finish().out, contains("on_socket at socket:veth1: 60 bytes"));
}

TEST_CASE("run gives a program to the socket of a process that shares its port", "[cli][kernel][every][network]") {
    require_bpf();
    NetworkNamespace network;
    const TestSocket receiver(AF_INET, SOCK_DGRAM);
    const int one = 1;
    const sockaddr_in address = loopback_address(4711);
    REQUIRE(setsockopt(receiver.get(), SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) == 0);
    REQUIRE(bind(receiver.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
    const std::string place = std::to_string(getpid()) + "/" + std::to_string(receiver.get());
    check_hook(of_network_hooks("on_reuseport", "sk_reuseport:" + place, send_some_datagram), false);
}

TEST_CASE("run attaches sk_lookup and a flow dissector to a network namespace", "[cli][kernel][every][network]") {
    require_bpf();
    NetworkNamespace network;
    require_veth(network);
    const std::string here = "/proc/" + std::to_string(getpid()) + "/ns/net";
    check_hook(of_network_hooks("on_lookup", "", send_some_datagram), true);
    check_hook(of_network_hooks("on_lookup", "sk_lookup:" + here, send_some_datagram), true);
    check_each_way(of_network_hooks("on_dissection", "", sends_frame("veth0")));
    // BPF_PROG_ATTACH knows the caller's own namespace alone.
    TriedHook by_link = of_network_hooks("on_dissection", "flow_dissector:" + here, sends_frame("veth0"));
    by_link.options = "--link";
    check_hook(by_link, true);
}

namespace {

// A connection with its receiving or sending end in the object's sockmap, through which four bytes are sent.
void send_through_sockmap(const std::string& pin, bool at_the_sender) {
    LiveGate gate;
    PinnedMap sockets("network_hooks", pin);
    const Connection connection = connect_over_loopback();
    put_into_sockmap(gate, sockets.map(), at_the_sender ? connection.client.get() : connection.server.get());
    CHECK(sent_and_received(connection, "ping") == "ping");
}

TriedHook of_sockmap(const std::string& program, const std::string& kind, bool at_the_sender) {
    TriedHook tried = of_network_hooks(program, kind + ":sockets", {});
    const std::string pin = "/sys/fs/bpf/minibpf_cli_" + std::to_string(getpid()) + "/sockets";
    tried.options = "--map sockets.pin=sockets";
    tried.provoke = [=] { send_through_sockmap(pin, at_the_sender); };
    return tried;
}

const std::tuple<const char*, const char*, bool> sockmap_cases[] = {
    {"on_stream_verdict", "sk_skb/stream_verdict", false},
    {"on_verdict", "sk_skb/verdict", false},
    {"on_msg", "sk_msg", true},
};

}  // namespace

TEST_CASE("run attaches verdicts to a sockmap, and leaves nothing", "[cli][kernel][every][network]") {
    require_bpf();
    NetworkNamespace network;
    for (const auto& [program, kind, at_the_sender] : sockmap_cases) {
        TriedHook tried = of_sockmap(program, kind, at_the_sender);
        check_hook(tried, false);
        tried.options += " --older";
        check_hook(tried, false);
    }
}

TEST_CASE("run --link attaches verdicts to a sockmap by links", "[cli][kernel][every][network]") {
    require_bpf();
    NetworkNamespace network;
    const auto attaches_by_link = [] {
        const Said said = loader_says("-q --link --program on_msg --attach on_msg=sk_msg:sockets -c true " +
                                      object_path("network_hooks"));
        return said.status == 0;
    };
    skip_unless_kernel_has("sockmap links", attaches_by_link());
    for (const auto& [program, kind, at_the_sender] : sockmap_cases) {
        TriedHook tried = of_sockmap(program, kind, at_the_sender);
        tried.options += " --link";
        check_hook(tried, true);
    }
}

TEST_CASE("run puts a stream parser before a verdict", "[cli][kernel][every][network]") {
    require_bpf();
    NetworkNamespace network;
    TriedHook tried = of_sockmap("on_stream_verdict", "sk_skb/stream_verdict", false);
    tried.options += " --program on_stream_parser --attach on_stream_parser=sk_skb/stream_parser:sockets";
    tried.counter = "second_hits";
    const Pins pins;
    WaitingLoader waiting(tried.arguments(pins.path));
    REQUIRE(waiting.attaches());
    tried.provoke();
    const Said said = waiting.finish();
    CHECK(shown_value(said.out, "hits") == 1);
    CHECK(shown_value(said.out, "second_hits") >= 1);
}

// --- cgroups: the test goes into a group of its own, and the loader is in it as well

namespace {

std::string cgroup_hook(const std::string& object, const std::string& program, const TestCgroup& cgroup) {
    const ObjectSpec spec = data(object);
    const auto found = std::find_if(spec.programs.begin(), spec.programs.end(),
                                    [&](const ProgramSpec& one) { return one.name == program; });
    REQUIRE(found != spec.programs.end());
    Hook hook = found->kind.hook;
    hook.target = cgroup.path();
    return hook_text(hook);
}

void check_cgroup_hooks(const std::string& object, const std::vector<std::string>& programs, void (*provoke_it)()) {
    const TestCgroup cgroup;
    for (const std::string& program : programs) {
        TriedHook tried = of_network_hooks(program, cgroup_hook(object, program, cgroup), provoke_it);
        tried.object = object;
        check_each_way(tried);
    }
}

}  // namespace

TEST_CASE("run attaches every cgroup hook on the way of a datagram, each way", "[cli][kernel][every][cgroup]") {
    require_bpf();
    NetworkNamespace network;
    check_cgroup_hooks("network_hooks",
                       {"on_egress", "on_ingress", "on_sock_create", "on_sock_release", "on_post_bind4", "on_bind4",
                        "on_connect4", "on_sendmsg4", "on_recvmsg4", "on_getpeername4", "on_getsockname4"},
                       talk_to_itself<sockaddr_in>);
}

TEST_CASE("run attaches every cgroup hook on the way of an IPv6 datagram, each way", "[cli][kernel][every][cgroup]") {
    require_bpf();
    NetworkNamespace network;
    skip_unless_kernel_has("IPv6", std::filesystem::exists("/proc/sys/net/ipv6"));
    std::ofstream("/proc/sys/net/ipv6/conf/lo/disable_ipv6") << 0;
    check_cgroup_hooks("network_hooks",
                       {"on_post_bind6", "on_bind6", "on_connect6", "on_sendmsg6", "on_recvmsg6", "on_getpeername6",
                        "on_getsockname6"},
                       talk_to_itself<sockaddr_in6>);
}

TEST_CASE("run attaches every cgroup hook of Unix sockets, each way", "[cli][kernel][every][cgroup]") {
    require_bpf();
    LiveGate gate;
    skip_unless_kernel_has("cgroup hooks of Unix sockets", loads(gate, data("network_new_hooks"), "on_connect_unix"));
    check_cgroup_hooks(
        "network_new_hooks",
        {"on_connect_unix", "on_sendmsg_unix", "on_recvmsg_unix", "on_getpeername_unix", "on_getsockname_unix"},
        talk_over_unix_sockets);
}

TEST_CASE("run attaches the cgroup hooks of socket options, sysctls, devices and TCP, each way",
          "[cli][kernel][every][cgroup]") {
    require_bpf();
    NetworkNamespace network;
    check_cgroup_hooks("network_hooks", {"on_getsockopt", "on_setsockopt"}, set_and_get_option);
    check_cgroup_hooks("network_hooks", {"on_sysctl"}, read_sysctl);
    check_cgroup_hooks("network_hooks", {"on_device"}, open_device);
    check_cgroup_hooks("network_hooks", {"on_sockops"}, connect_tcp);
}
