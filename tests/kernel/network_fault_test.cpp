// The fault sweep of each network hook: whatever call fails, the interface, the network namespace and the process have
// no more than before. And the answer to a netlink request that gets lost: what others put there stays.
#include <vector>

#include <tests/kernel/attach_sweep.hpp>
#include <tests/kernel/network_hooks.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

void send_some_datagram() {
    send_datagram();
}

std::function<void()> sends_frame(const std::string& interface) {
    return [interface] { send_frame(interface); };
}

}  // namespace

TEST_CASE("when any call fails, an interface has no XDP program more than before", "[attach][network][fault]") {
    require_bpf();
    NetworkNamespace network;
    for (const char* hook : {"xdp:lo", "xdp:lo,generic"}) {
        for (const AttachBy by : {AttachBy::link, AttachBy::older})
            sweep_hook("network_hooks", "on_xdp", hook, by, send_some_datagram);
    }
    require_veth(network);
    for (const AttachBy by : {AttachBy::link, AttachBy::older})
        sweep_hook("network_hooks", "on_xdp", "xdp:veth1,native", by, sends_frame("veth0"));
    sweep_hook("network_hooks", "on_xdp", "xdp:veth1,replace", AttachBy::older, sends_frame("veth0"));
}

TEST_CASE("when any call fails, an interface has no tc filter and no queueing discipline more than before",
          "[attach][network][fault]") {
    require_bpf();
    NetworkNamespace network;
    LiveGate gate;
    require_clsact(gate);
    for (const char* hook : {"tc/ingress:lo,handle=1", "tc/egress:lo,priority=7"}) {
        sweep_hook("network_hooks", "on_tc", hook, AttachBy::older, send_some_datagram);
        CHECK_FALSE(remove_clsact(gate, "lo"));
    }
}

TEST_CASE("when any call fails, an interface has no tcx program more than before", "[attach][network][fault]") {
    require_bpf();
    NetworkNamespace network;
    LiveGate gate;
    require_tcx(gate);
    for (const char* hook : {"tcx/ingress:lo", "tcx/egress:lo"}) {
        for (const AttachBy by : {AttachBy::link, AttachBy::older})
            sweep_hook("network_hooks", "on_tc", hook, by, send_some_datagram);
    }
}

TEST_CASE("when any call fails, a netkit pair has no program more than before", "[attach][network][fault]") {
    require_bpf();
    NetworkNamespace network;
    require_netkit(network);
    for (const AttachBy by : {AttachBy::link, AttachBy::older}) {
        sweep_hook("network_hooks", "on_tc", "netkit/primary:nk0", by, sends_frame("nk0"));
        sweep_hook("network_hooks", "on_tc", "netkit/peer:nk0", by, sends_frame("nk1"));
    }
}

TEST_CASE("when any call fails, netfilter has no program more than before", "[attach][network][fault]") {
    require_bpf();
    NetworkNamespace network;
    LiveGate gate;
    require_netfilter(gate, "netfilter:ip4/local_in,defrag");
    for (const char* hook : {"netfilter:ip4/local_in@-100", "netfilter:ip4/local_in@-100,defrag"})
        sweep_hook("network_new_hooks", "on_netfilter", hook, AttachBy::link, send_some_datagram);
}

TEST_CASE("when any call fails, a socket filter leaves no socket", "[attach][network][fault]") {
    require_bpf();
    NetworkNamespace network;
    sweep_hook("network_hooks", "on_socket", "socket:lo", AttachBy::usual, send_some_datagram);
}

TEST_CASE("when any call fails, a socket of the caller's has no program more than before", "[attach][network][fault]") {
    require_bpf();
    NetworkNamespace network;
    LiveGate gate;
    for (const char* name : {"on_socket", "on_reuseport"}) {
        INFO(name);
        const TestSocket receiver(AF_INET, SOCK_DGRAM);
        const int one = 1;
        REQUIRE(setsockopt(receiver.get(), SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) == 0);
        const sockaddr_in address = loopback_address(4711);
        REQUIRE(bind(receiver.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
        std::uint32_t id = 0;
        {
            Object object = load_hooks(gate, {name});
            const Program& program = object.require_program(name);
            id = id_of(program);
            sweep_attach([&](KernelGate& failing) { return attach_to_socket(failing, program, receiver.get()); },
                         counts(object, send_some_datagram));
        }
        CHECK(is_gone(id));
    }
}

TEST_CASE("when any call fails, a network namespace has no program more than before", "[attach][network][fault]") {
    require_bpf();
    NetworkNamespace network;
    sweep_hook("network_hooks", "on_lookup", "sk_lookup:/proc/self/ns/net", AttachBy::link, send_some_datagram);
    require_veth(network);
    sweep_hook("network_hooks", "on_dissection", "flow_dissector:/proc/self/ns/net", AttachBy::link,
               sends_frame("veth0"));
    sweep_hook("network_hooks", "on_dissection", "flow_dissector", AttachBy::older, sends_frame("veth0"));
}

// The kernel's answer to a request of netlink's is read by a call of its own, and that can fail: then it is not known
// whether what is there came of this request, or has been there before.

namespace {

// Attaches `hook` with the first call failing, then the second, and so on. None succeeds, for the place is taken.
void check_never_attached(const Program& program, const std::string& hook, const std::function<void()>& check_after) {
    LiveGate live;
    bool done = false;
    for (int nth = 0; !done; ++nth) {
        INFO("call " << nth << " fails");
        REQUIRE(nth < 100);
        const Holdings before = holdings();
        FailingGate gate(live, nth, ENOBUFS);
        error_of([&] { attach(gate, program, parse_hook(hook), {.by = AttachBy::older}); });
        CHECK(holdings() == before);
        check_after();
        done = !gate.has_failed();
    }
}

}  // namespace

TEST_CASE("when the answer about a tc filter is lost, the filter that had the handle before stays",
          "[attach][network][fault]") {
    require_bpf();
    NetworkNamespace network;
    LiveGate gate;
    require_clsact(gate);
    Object object = load_hooks(gate, {"on_tc"});
    const Program& program = object.require_program("on_tc");
    const Link there = attach(gate, program, parse_hook("tc/ingress:lo,handle=3"));
    const auto runs = counts(object, send_some_datagram);
    // The same program: even that does not make the filter that is there one's own.
    check_never_attached(program, "tc/ingress:lo,handle=3", [&] { CHECK(runs()); });
}

TEST_CASE("when the answer about an XDP program is lost, the program that was there before stays",
          "[attach][network][fault]") {
    require_bpf();
    NetworkNamespace network;
    LiveGate gate;
    Object object = load_hooks(gate, {"on_xdp"});
    const Program& program = object.require_program("on_xdp");
    const Link there = attach(gate, program, parse_hook("xdp:lo,generic"), {.by = AttachBy::older});
    const auto runs = counts(object, send_some_datagram);
    check_never_attached(program, "xdp:lo,generic", [&] { CHECK(runs()); });
}

TEST_CASE("when the answer about a queueing discipline is lost, one that was there before stays",
          "[attach][network][fault]") {
    require_bpf();
    NetworkNamespace network;
    LiveGate live;
    require_clsact(live);
    Object object = load_hooks(live, {"on_tc"});
    const Program& program = object.require_program("on_tc");
    bool done = false;
    for (int nth = 0; !done; ++nth) {
        INFO("call " << nth << " fails");
        REQUIRE(nth < 100);
        add_clsact(live, "lo");
        FailingGate gate(live, nth, ENOBUFS);
        try {
            attach(gate, program, parse_hook("tc/ingress:lo"));
        } catch (const Error&) {
            CHECK(gate.has_failed());
        }
        CHECK(remove_clsact(live, "lo"));
        done = !gate.has_failed();
    }
}
