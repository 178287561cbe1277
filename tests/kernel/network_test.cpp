// Network hooks on the running kernel, in network namespaces of the test's own: a program runs for each packet from the
// attachment on, and not after.
#include <memory>
#include <vector>

#include <netinet/ip.h>
#include <sys/stat.h>

#include <libminibpf/attach/attach.hpp>
#include <libminibpf/object/uapi.hpp>
#include <tests/kernel/live.hpp>
#include <tests/kernel/network_hooks.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

constexpr AttachOptions by_link{.by = AttachBy::link};
constexpr AttachOptions older{.by = AttachBy::older};

// Two frames before, three while it is attached, four after. Its link, if there is one, tells the interface and
// `place`.
void check_runs_for_frames(KernelGate& gate, const std::string& program, const std::string& hook,
                           const AttachOptions& options, const std::string& sender, const std::string& place = "") {
    INFO(hook);
    Object object = load_hooks(gate, {program});
    for (int i = 0; i < 2; ++i) send_frame(sender);
    CHECK(hits(object) == 0);
    const Holdings before = holdings();
    {
        const Link link = attach(gate, object.require_program(program), parse_hook(hook), options);
        if (options.by == AttachBy::link) {
            // Of a netkit pair the link names the end whose packets the program sees.
            const std::string interface = place.starts_with(" netkit")
                                              ? sender
                                              : hook.substr(hook.find(':') + 1, hook.find(',') - hook.find(':') - 1);
            CHECK(target_of(gate, link) == "interface " + std::to_string(if_nametoindex(interface.c_str())) + place);
        }
        for (int i = 0; i < 3; ++i) send_frame(sender);
        CHECK(hits(object) == 3);
    }
    for (int i = 0; i < 4; ++i) send_frame(sender);
    CHECK(hits(object) == 3);
    CHECK(holdings() == before);
}

}  // namespace

TEST_CASE("an XDP program runs for each packet that an interface receives", "[attach][network]") {
    require_bpf();
    NetworkNamespace network;
    require_veth(network);
    LiveGate gate;
    for (const char* hook : {"xdp:veth1", "xdp:veth1,generic", "xdp:veth1,native"}) {
        for (const AttachOptions& options : {AttachOptions{}, by_link, older})
            check_runs_for_frames(gate, "on_xdp", hook, options, "veth0");
    }
}

TEST_CASE("a second XDP program is refused while one is there, and netlink replaces what netlink put there",
          "[attach][network]") {
    require_bpf();
    NetworkNamespace network;
    require_veth(network);
    LiveGate gate;
    Object object = load_hooks(gate, {"on_xdp", "on_xdp_too"});
    const Program& first = object.require_program("on_xdp");
    const Program& second = object.require_program("on_xdp_too");
    for (const AttachOptions& options : {older, by_link}) {
        const Link link = attach(gate, first, parse_hook("xdp:veth1"), options);
        for (const AttachOptions& again : {older, by_link}) {
            const Error error = error_of([&] { attach(gate, second, parse_hook("xdp:veth1"), again); });
            CHECK((error.detail().code == EBUSY || error.detail().code == EEXIST));
            CHECK(error.detail().blame == Blame::kernel);
            CHECK_THAT(error.detail().hint, contains("is there already") && contains("ip link show dev veth1"));
        }
    }
    const std::uint64_t hits_before = hits(object);
    const Link link = attach(gate, first, parse_hook("xdp:veth1"), older);
    {
        const Link replacement = attach(gate, second, parse_hook("xdp:veth1,replace"));
        send_frame("veth0");
        CHECK(variable<std::uint64_t>(object, "second_hits") == 1);
        CHECK(hits(object) == hits_before);
    }
    send_frame("veth0");
    CHECK(variable<std::uint64_t>(object, "second_hits") == 1);
    // The first one's link dies now, and finds its program gone: it takes nothing away.
}

TEST_CASE("a detached XDP link leaves alone the program that has replaced its own", "[attach][network]") {
    require_bpf();
    NetworkNamespace network;
    require_veth(network);
    LiveGate gate;
    Object object = load_hooks(gate, {"on_xdp", "on_xdp_too"});
    std::vector<Link> links;
    links.push_back(attach(gate, object.require_program("on_xdp"), parse_hook("xdp:veth1"), older));
    const Link replacement = attach(gate, object.require_program("on_xdp_too"), parse_hook("xdp:veth1,replace"));
    links.clear();
    send_frame("veth0");
    CHECK(variable<std::uint64_t>(object, "second_hits") == 1);
}

TEST_CASE("an interface whose driver has no native XDP is an error that names generic XDP", "[attach][network]") {
    require_bpf();
    NetworkNamespace network;
    LiveGate gate;
    Object object = load_hooks(gate, {"on_xdp"});
    for (const AttachOptions& options : {by_link, older}) {
        const Error error =
            error_of([&] { attach(gate, object.require_program("on_xdp"), parse_hook("xdp:lo,native"), options); });
        CHECK(error.detail().code == EOPNOTSUPP);
        CHECK(error.detail().blame == Blame::facility);
        CHECK_THAT(error.detail().hint, contains("no native XDP") && contains("xdp:lo,generic"));
    }
}

TEST_CASE("an interface that cannot run programs itself refuses XDP's offload, and keeps nothing of it",
          "[attach][network]") {
    require_bpf();
    NetworkNamespace network;
    require_veth(network);
    LiveGate gate;
    Object object = load_hooks(gate, {"on_xdp"});
    const Program& program = object.require_program("on_xdp");
    const Holdings before = holdings();
    // The one's driver knows nothing of programs, the other's runs them, but has no card.
    for (const std::string interface : {"lo", "veth1"}) {
        for (const AttachOptions& options : {by_link, older}) {
            const Error error =
                error_of([&] { attach(gate, program, parse_hook("xdp:" + interface + ",offload"), options); });
            CHECK(error.detail().code == (interface == "lo" ? EOPNOTSUPP : EINVAL));
            CHECK_THAT(error.what(), contains(interface + ",offload"));
            CHECK_THAT(error.detail().hint,
                       contains(interface == "lo" ? "no offloaded XDP" : "the card of veth1 cannot run programs") &&
                           contains("xdp:" + interface + ",generic"));
            CHECK(holdings() == before);
        }
    }
    send_datagram();
    send_frame("veth0");
    CHECK(hits(object) == 0);
    // The place is free.
    check_runs_for_frames(gate, "on_xdp", "xdp:veth1,native", by_link, "veth0");
}

TEST_CASE("an interface that does not exist is the object's error, with the nearest name", "[attach][network]") {
    require_bpf();
    NetworkNamespace network;
    require_veth(network);
    LiveGate gate;
    Object object = load_hooks(gate, {"on_xdp", "on_tc", "on_socket"});
    const Holdings before = holdings();
    for (const auto& [program, hook] :
         {std::pair("on_xdp", "xdp:veth2"), std::pair("on_tc", "tcx/ingress:veth2"),
          std::pair("on_tc", "tc/egress:veth2"), std::pair("on_socket", "socket:veth2")}) {
        const Program& loaded = object.require_program(program);
        const Hook parsed = parse_hook(hook);
        const Error error = error_of([&] { attach(gate, loaded, parsed); });
        CHECK(error.detail().blame == Blame::object);
        CHECK(error.detail().code == ENODEV);
        CHECK_THAT(error.what(), contains("veth2"));
        CHECK_THAT(error.detail().hint, contains("veth0") || contains("veth1"));
    }
    CHECK(holdings() == before);
}

TEST_CASE("a tc filter runs for each packet in its direction, and leaves no queueing discipline", "[attach][network]") {
    require_bpf();
    NetworkNamespace network;
    require_veth(network);
    LiveGate gate;
    require_clsact(gate);
    for (int i = 0; i < 2; ++i) {  // the second round finds what the first left
        check_runs_for_frames(gate, "on_tc", "tc/ingress:veth1", {}, "veth0");
        check_runs_for_frames(gate, "on_tc", "tc/egress:veth0", {}, "veth0");
        check_runs_for_frames(gate, "on_tc", "tc:veth1,priority=10,handle=0x7", older, "veth0");
    }
    for (const char* interface : {"veth0", "veth1"}) CHECK_FALSE(remove_clsact(gate, interface));
}

TEST_CASE("tc filters run in the order of their priorities, and each is detached by itself", "[attach][network]") {
    require_bpf();
    NetworkNamespace network;
    require_veth(network);
    LiveGate gate;
    require_clsact(gate);
    Object object = load_hooks(gate, {"first", "second", "on_tc"});
    auto second = std::make_unique<Link>(
        attach(gate, object.require_program("second"), parse_hook("tc/ingress:veth1,priority=9")));
    const Link first = attach(gate, object.require_program("first"), parse_hook("tc/ingress:veth1,priority=8"));
    const Link third = attach(gate, object.require_program("on_tc"), parse_hook("tc/ingress:veth1,priority=9"));
    send_frame("veth0");
    CHECK(variable<std::uint64_t>(object, "order") == 12);
    second.reset();  // it made the queueing discipline, which the others still need
    send_frame("veth0");
    CHECK(variable<std::uint64_t>(object, "order") == 121);
    CHECK(hits(object) == 2);
}

TEST_CASE("a tc filter's handle that is taken is an error that says how to look", "[attach][network]") {
    require_bpf();
    NetworkNamespace network;
    LiveGate gate;
    require_clsact(gate);
    Object object = load_hooks(gate, {"on_tc"});
    const Program& program = object.require_program("on_tc");
    const Link link = attach(gate, program, parse_hook("tc/ingress:lo,handle=3"));
    const Error error = error_of([&] { attach(gate, program, parse_hook("tc/ingress:lo,handle=3")); });
    CHECK(error.detail().code == EEXIST);
    CHECK_THAT(error.what(), contains("Filter already exists"));
    CHECK_THAT(error.detail().hint, contains("tc filter show dev lo ingress"));
    CHECK(error_of([&] { attach(gate, program, parse_hook("tc:lo,prio=3")); }).detail().blame == Blame::usage);
    CHECK(error_of([&] { attach(gate, program, parse_hook("tc:lo,priority=x")); }).detail().blame == Blame::usage);
    CHECK(error_of([&] { attach(gate, program, parse_hook("tc:lo"), by_link); }).detail().blame == Blame::usage);
}

TEST_CASE("a tcx program runs for each packet in its direction", "[attach][network]") {
    require_bpf();
    NetworkNamespace network;
    require_veth(network);
    LiveGate gate;
    require_tcx(gate);
    for (const AttachOptions& options : {AttachOptions{}, by_link, older}) {
        check_runs_for_frames(gate, "on_tc", "tcx/ingress:veth1", options, "veth0", " tcx_ingress");
        check_runs_for_frames(gate, "on_tc", "tcx/egress:veth0", options, "veth0", " tcx_egress");
    }
}

TEST_CASE("before Linux 6.6 a tcx hook is a missing facility, and the older hook is named", "[attach][network]") {
    require_bpf();
    NetworkNamespace network;
    LiveGate gate;
    Object object = load_hooks(gate, {"on_tc"});
    const Program& program = object.require_program("on_tc");
    bool is_there = false;
    Error error({});
    try {
        attach(gate, program, parse_hook("tcx/egress:lo"));
        is_there = true;
    } catch (const Error& caught) {
        error = caught;
    }
    if (is_there) leave_skipped("this kernel has tcx");
    CHECK(error.detail().blame == Blame::facility);
    CHECK_THAT(error.detail().hint, contains("tc/egress:lo"));
}

TEST_CASE("tcx programs run in the order that was asked for", "[attach][network]") {
    require_bpf();
    NetworkNamespace network;
    require_veth(network);
    LiveGate gate;
    require_tcx(gate);
    Object object = load_hooks(gate, {"first", "second"});
    const Program& first = object.require_program("first");
    const Program& second = object.require_program("second");
    const Hook hook = parse_hook("tcx/ingress:veth1");
    constexpr std::uint32_t before = 1u << 3;  // BPF_F_BEFORE
    for (const AttachBy by : {AttachBy::link, AttachBy::older}) {
        const Link later = attach(gate, second, hook, {.by = by});
        AttachOptions options{.by = by, .order = {.flags = before}};
        {
            const Link sooner = attach(gate, first, hook, options);
            send_frame("veth0");
            CHECK(variable<std::uint64_t>(object, "order") % 100 == 12);
        }
        options.order.relative_fd = second.fd();
        const Link sooner = attach(gate, first, hook, options);
        send_frame("veth0");
        CHECK(variable<std::uint64_t>(object, "order") % 100 == 12);
        options.order = {.flags = 0, .relative_fd = 0, .expected_revision = 1};
        CHECK(error_of([&] { attach(gate, first, hook, options); }).detail().code == ESTALE);
    }
}

TEST_CASE("a netkit program runs for each packet that leaves its interface", "[attach][network]") {
    require_bpf();
    NetworkNamespace network;
    require_netkit(network);
    LiveGate gate;
    for (const AttachOptions& options : {by_link, older}) {
        check_runs_for_frames(gate, "on_tc", "netkit/primary:nk0", options, "nk0", " netkit_primary");
        check_runs_for_frames(gate, "on_tc", "netkit/peer:nk0", options, "nk1", " netkit_peer");
    }
    Object object = load_hooks(gate, {"on_tc"});
    const Error error = error_of([&] { attach(gate, object.require_program("on_tc"), parse_hook("netkit/peer:nk1")); });
    CHECK_THAT(error.detail().hint, contains("primary"));
}

TEST_CASE("a socket filter chooses the packets of a socket on an interface", "[attach][network]") {
    require_bpf();
    NetworkNamespace network;
    require_veth(network);
    LiveGate gate;
    check_runs_for_frames(gate, "on_socket", "socket:veth1", {}, "veth0");
    Object object = load_hooks(gate, {"on_socket"});
    const Link link = attach(gate, object.require_program("on_socket"), parse_hook("socket:veth1"));
    REQUIRE(link.packet_fd() >= 0);
    send_frame("veth0");
    char packet[100];
    CHECK(read(link.packet_fd(), packet, sizeof(packet)) == 60);
    CHECK(read(link.packet_fd(), packet, sizeof(packet)) == -1);
}

TEST_CASE("a netfilter program runs for each IP packet in its place", "[attach][network]") {
    require_bpf();
    NetworkNamespace network;
    LiveGate gate;
    const Hook hook = parse_hook("netfilter:ip4/local_in@-100");
    require_netfilter(gate, hook_text(hook));
    Object object = load(gate, data("network_new_hooks"), {.programs = {"on_netfilter"}});
    Program& program = object.require_program("on_netfilter");
    send_datagram();
    CHECK(hits(object) == 0);
    {
        const Link link = attach(gate, program, hook);
        CHECK(target_of(gate, link) == "protocol 2 hook 1 priority -100");  // NFPROTO_IPV4, NF_INET_LOCAL_IN
        send_datagram();
        CHECK(hits(object) >= 1);  // and the answer that nobody listens
        const Error error = error_of([&] { attach(gate, program, hook); });
        CHECK(error.detail().code == EBUSY);
        CHECK_THAT(error.detail().hint, contains("@-99"));
    }
    const std::uint64_t seen = hits(object);
    send_datagram();
    CHECK(hits(object) == seen);
    CHECK(error_of([&] { attach(gate, program, parse_hook("netfilter:ip4/local_inn")); }).detail().blame ==
          Blame::usage);
}

TEST_CASE("a netfilter program before the routing sees fragments, and whole packets if it asks for them",
          "[attach][network]") {
    require_bpf();
    NetworkNamespace network;
    network.set_mtu("lo", 1500);
    LiveGate gate;
    require_netfilter(gate, "netfilter:ip4/pre_routing@-300,defrag");
    Object object = load(gate, data("network_new_hooks"), {.programs = {"on_netfilter"}});
    const TestSocket receiver(AF_INET, SOCK_DGRAM);
    const sockaddr_in address = loopback_address(4711);
    REQUIRE(bind(receiver.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
    const auto packets_seen_by = [&](const char* hook) {
        const std::uint64_t before = hits(object);
        const Link link = attach(gate, object.require_program("on_netfilter"), parse_hook(hook));
        // May not be told of the MTU and send no more than fits: the kernel is to cut it up.
        const TestSocket sender(AF_INET, SOCK_DGRAM);
        const int any_size = IP_PMTUDISC_DONT;
        REQUIRE(setsockopt(sender.get(), IPPROTO_IP, IP_MTU_DISCOVER, &any_size, sizeof(any_size)) == 0);
        const std::vector<char> data(3000);
        CHECK(sendto(sender.get(), data.data(), data.size(), 0, reinterpret_cast<const sockaddr*>(&address),
                     sizeof(address)) == 3000);
        std::vector<char> received(4000);
        CHECK(recv(receiver.get(), received.data(), received.size(), 0) == 3000);
        return hits(object) - before;
    };
    CHECK(packets_seen_by("netfilter:ip4/pre_routing@-300") == 3);
    CHECK(packets_seen_by("netfilter:ip4/pre_routing@-300,defrag") == 1);
    CHECK(packets_seen_by("netfilter:ip4/pre_routing@-300") == 3);
    const Error too_early = error_of([&] {
        attach(gate, object.require_program("on_netfilter"), parse_hook("netfilter:ip4/pre_routing@-400,defrag"));
    });
    CHECK_THAT(too_early.detail().hint, contains("above -400"));
}

TEST_CASE("an sk_reuseport program chooses among the sockets of one address", "[attach][network]") {
    require_bpf();
    NetworkNamespace network;
    LiveGate gate;
    Object object = load_hooks(gate, {"on_reuseport"});
    const TestSocket receiver(AF_INET, SOCK_DGRAM);
    const int one = 1;
    REQUIRE(setsockopt(receiver.get(), SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) == 0);
    const sockaddr_in address = loopback_address(4711);
    REQUIRE(bind(receiver.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
    {
        const Link link = attach_to_socket(gate, object.require_program("on_reuseport"), receiver.get());
        send_datagram();
        CHECK(hits(object) == 1);
    }
    send_datagram();
    CHECK(hits(object) == 1);
}

TEST_CASE("a socket filter can be attached to a socket that is there already", "[attach][network]") {
    require_bpf();
    NetworkNamespace network;
    LiveGate gate;
    Object object = load_hooks(gate, {"on_socket"});
    const TestSocket receiver(AF_INET, SOCK_DGRAM);
    const sockaddr_in address = loopback_address(4711);
    REQUIRE(bind(receiver.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
    {
        const Link link = attach_to_socket(gate, object.require_program("on_socket"), receiver.get());
        send_datagram();
        CHECK(hits(object) == 1);
    }
    send_datagram();
    CHECK(hits(object) == 1);
}

namespace {

// A network namespace's number is that of its file.
std::string network_target(const std::string& place) {
    struct stat file {};
    require_ok(stat("/proc/thread-self/ns/net", &file) == 0, "stat");
    return "netns " + std::to_string(file.st_ino) + " " + place;
}

}  // namespace

TEST_CASE("an sk_lookup program runs for each connection of its network namespace", "[attach][network]") {
    require_bpf();
    NetworkNamespace network;
    LiveGate gate;
    Object object = load_hooks(gate, {"on_lookup"});
    send_datagram();
    CHECK(hits(object) == 0);
    {
        const Link link = attach(gate, object.require_program("on_lookup"));
        CHECK(target_of(gate, link) == network_target("sk_lookup"));
        send_datagram();
        CHECK(hits(object) >= 1);  // and the answer that nobody listens
    }
    const std::uint64_t seen = hits(object);
    send_datagram();
    CHECK(hits(object) == seen);
}

TEST_CASE("a flow dissector runs for the packets of its network namespace, by link and without", "[attach][network]") {
    require_bpf();
    NetworkNamespace network;
    require_veth(network);
    LiveGate gate;
    Object object = load_hooks(gate, {"on_dissection"});
    const Program& program = object.require_program("on_dissection");
    for (const AttachOptions& options : {AttachOptions{}, by_link, older}) {
        const std::uint64_t before = hits(object);
        send_frame("veth0");
        CHECK(hits(object) == before);
        {
            const Link link = attach(gate, program, options);
            if (options.by == AttachBy::link) CHECK(target_of(gate, link) == network_target("flow_dissector"));
            const bool is_link = options.by != AttachBy::older;
            const ErrorDetail error = error_of([&] { attach(gate, program, by_link); }).detail();
            CHECK(error.code == (is_link ? E2BIG : EEXIST));
            CHECK_THAT(error.hint,
                       contains(is_link ? "a link holds this namespace's" : "put there by BPF_PROG_ATTACH"));
            const ErrorDetail again = error_of([&] { attach(gate, program, older); }).detail();
            CHECK(again.code == (is_link ? EEXIST : EINVAL));
            CHECK_THAT(again.hint, contains(is_link ? "a link holds this namespace's" : "dissector already"));
            send_frame("veth0");  // the sender's flow is hashed or its headers are looked for
            CHECK(hits(object) > before);
        }
        const std::uint64_t after = hits(object);
        send_frame("veth0");
        CHECK(hits(object) == after);
    }
}
