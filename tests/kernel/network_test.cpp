// Network hooks on the running kernel, in network namespaces of the test's own: a program runs for each packet from the
// attachment on, and not after.
#include <functional>
#include <memory>
#include <vector>

#include <libminibpf/attach/attach.hpp>
#include <libminibpf/attach/interface.hpp>
#include <libminibpf/object/uapi.hpp>
#include <tests/kernel/live.hpp>
#include <tests/kernel/network.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

constexpr AttachOptions by_link{.by = AttachBy::link};
constexpr AttachOptions older{.by = AttachBy::older};

Object load_hooks(KernelGate& gate, const std::vector<std::string>& programs) {
    return load(gate, object_spec("tests/data/network_hooks.bpf.o"), {.programs = programs});
}

// tcx came with Linux 6.6, netfilter links with 6.4: asked for by trying.
bool can_attach(const std::function<Link()>& attach_it) {
    try {
        attach_it();
        return true;
    } catch (const Error& error) {
        if (error.detail().blame != Blame::facility) throw;
        return false;
    }
}

void require_clsact(KernelGate& gate) {
    Object object = load_hooks(gate, {"on_tc"});
    skip_unless_kernel_has("clsact and bpf filters", can_attach([&] {
                               return attach(gate, object.require_program("on_tc"), parse_hook("tc/ingress:lo"));
                           }));
}

void require_veth(NetworkNamespace& network) {
    skip_unless_kernel_has("veth", network.add_pair("veth", "veth0", "veth1"));
}

// Two frames before, three while it is attached, four after.
void check_runs_for_frames(KernelGate& gate, const std::string& program, const std::string& hook,
                           const AttachOptions& options, const std::string& sender) {
    INFO(hook);
    Object object = load_hooks(gate, {program});
    for (int i = 0; i < 2; ++i) send_frame(sender);
    CHECK(hits(object) == 0);
    const Holdings before = holdings();
    {
        const Link link = attach(gate, object.require_program(program), parse_hook(hook), options);
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
        const Error error = error_of([&] { attach(gate, object.require_program(program), parse_hook(hook)); });
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
    RouteSocket route(gate, "looking for a queueing discipline");
    NetlinkMessage remove(RTM_DELQDISC, NLM_F_ACK, route.next_sequence());
    tcmsg clsact{};
    clsact.tcm_ifindex = static_cast<int>(interface_index(gate, "veth1", "a test"));
    clsact.tcm_handle = 0xffff0000;
    clsact.tcm_parent = 0xfffffff1;
    remove.append(clsact);
    CHECK_FALSE(route.request(remove).ok());
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
    Object object = load_hooks(gate, {"on_tc"});
    skip_unless_kernel_has(
        "tcx", can_attach([&] { return attach(gate, object.require_program("on_tc"), parse_hook("tcx/ingress:lo")); }));
    for (const AttachOptions& options : {AttachOptions{}, by_link, older}) {
        check_runs_for_frames(gate, "on_tc", "tcx/ingress:veth1", options, "veth0");
        check_runs_for_frames(gate, "on_tc", "tcx/egress:veth0", options, "veth0");
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
    Object object = load_hooks(gate, {"first", "second"});
    const Program& first = object.require_program("first");
    const Program& second = object.require_program("second");
    const Hook hook = parse_hook("tcx/ingress:veth1");
    skip_unless_kernel_has("tcx", can_attach([&] { return attach(gate, first, hook); }));
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
    skip_unless_kernel_has("netkit", network.add_pair("netkit", "nk0", "nk1"));
    LiveGate gate;
    for (const AttachOptions& options : {by_link, older}) {
        check_runs_for_frames(gate, "on_tc", "netkit/primary:nk0", options, "nk0");
        check_runs_for_frames(gate, "on_tc", "netkit/peer:nk0", options, "nk1");
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
    const auto load_netfilter = [&] {
        return load(gate, object_spec("tests/data/network_new_hooks.bpf.o"), {.programs = {"on_netfilter"}});
    };
    bool loads = true;
    try {
        load_netfilter();
    } catch (const Error&) {
        loads = false;
    }
    skip_unless_kernel_has("netfilter programs", loads);
    Object object = load_netfilter();
    Program& program = object.require_program("on_netfilter");
    skip_unless_kernel_has("netfilter programs", can_attach([&] { return attach(gate, program, hook); }));
    send_datagram();
    CHECK(hits(object) == 0);
    {
        const Link link = attach(gate, program, hook);
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

namespace {

struct Connection {
    TestSocket client, server;
};

Connection connect_over_loopback() {
    const TestSocket listener(AF_INET, SOCK_STREAM);
    sockaddr_in address = loopback_address(0);
    socklen_t length = sizeof(address);
    require_ok(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), length) == 0, "bind");
    require_ok(listen(listener.get(), 1) == 0, "listen");
    require_ok(getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0, "getsockname");
    TestSocket client(AF_INET, SOCK_STREAM);
    require_ok(connect(client.get(), reinterpret_cast<sockaddr*>(&address), length) == 0, "connect");
    TestSocket server(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    return {std::move(client), std::move(server)};
}

void put_into_sockmap(KernelGate& gate, const Map& map, int socket) {
    const std::uint32_t key = 0;
    const std::uint64_t value = static_cast<std::uint64_t>(socket);
    const Answer answer = gate.enter(MapUpdateElem{.map_fd = map.fd(), .key = bytes_of(key), .value = bytes_of(value)});
    REQUIRE(answer.error == 0);
}

}  // namespace

TEST_CASE("programs of a sockmap run for what its sockets send and receive", "[attach][network]") {
    require_bpf();
    NetworkNamespace network;
    LiveGate gate;
    struct Case {
        const char* program;
        const char* hook;
        bool at_the_sender;
    };
    for (const Case& tried :
         {Case{"on_stream_verdict", "sk_skb/stream_verdict:sockets", false}, Case{"on_msg", "sk_msg:sockets", true}}) {
        INFO(tried.hook);
        Object object = load_hooks(gate, {tried.program});
        Map& sockets = object.require_map("sockets");
        Program& program = object.require_program(tried.program);
        for (const AttachBy by : {AttachBy::usual, AttachBy::link}) {
            AttachOptions options{.by = by, .map_fd = sockets.fd()};
            if (by == AttachBy::link) {
                try {
                    attach(gate, program, parse_hook(tried.hook), options);
                } catch (const Error&) {
                    continue;  // before 6.10
                }
            }
            std::uint64_t seen = hits(object);
            {
                const Link link = attach(gate, program, parse_hook(tried.hook), options);
                const Connection connection = connect_over_loopback();
                put_into_sockmap(gate, sockets,
                                 tried.at_the_sender ? connection.client.get() : connection.server.get());
                char buffer[8];
                REQUIRE(send(connection.client.get(), "ping", 4, 0) == 4);
                CHECK(recv(connection.server.get(), buffer, sizeof(buffer), 0) == 4);
                CHECK(hits(object) > seen);
                seen = hits(object);
            }
            const Connection connection = connect_over_loopback();
            REQUIRE(send(connection.client.get(), "ping", 4, 0) == 4);
            char buffer[8];
            CHECK(recv(connection.server.get(), buffer, sizeof(buffer), 0) == 4);
            CHECK(hits(object) == seen);
        }
        const Error no_map = error_of([&] { attach(gate, program, parse_hook(tried.hook)); });
        CHECK(no_map.detail().blame == Blame::usage);
        AttachOptions wrong;
        wrong.map_fd = object.require_map("no_sockets").fd();
        CHECK_THAT(error_of([&] { attach(gate, program, parse_hook(tried.hook), wrong); }).detail().hint,
                   contains("sockmap"));
    }
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

TEST_CASE("an sk_lookup program runs for each connection of its network namespace", "[attach][network]") {
    require_bpf();
    NetworkNamespace network;
    LiveGate gate;
    Object object = load_hooks(gate, {"on_lookup"});
    send_datagram();
    CHECK(hits(object) == 0);
    {
        const Link link = attach(gate, object.require_program("on_lookup"));
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
            const Error error = error_of([&] { attach(gate, program, by_link); });
            CHECK((error.detail().code == E2BIG || error.detail().code == EEXIST));
            send_frame("veth0");  // the sender's flow is hashed or its headers are looked for
            CHECK(hits(object) > before);
        }
        const std::uint64_t after = hits(object);
        send_frame("veth0");
        CHECK(hits(object) == after);
    }
}
