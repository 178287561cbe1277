// A TCP congestion control made of programs: sockets can take it while it is registered, and not afterwards.
#include <fstream>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <libminibpf/attach/attach.hpp>
#include <libminibpf/narrate/failing_gate.hpp>
#include <tests/kernel/live.hpp>
#include <tests/kernel/loading.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

// With one of the two tables, and all of its functions.
ObjectSpec congestion(const std::string& table) {
    require_kernel_btf();
    ObjectSpec spec = data("congestion");
    for (MapSpec& map : spec.maps) {
        if (map.name == "by_update" || map.name == "by_link") map.optional = map.name != table;
    }
    return spec;
}

bool is_available(const std::string& name) {
    std::ifstream file("/proc/sys/net/ipv4/tcp_available_congestion_control");
    for (std::string each; file >> each;) {
        if (each == name) return true;
    }
    return false;
}

// A connection to ourselves, whose client takes the congestion control. False when the kernel knows none of that name.
bool connect_with(const std::string& name) {
    const int server = socket(AF_INET, SOCK_STREAM, 0);
    const int client = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    bool taken = bind(server, reinterpret_cast<sockaddr*>(&address), length) == 0 && listen(server, 1) == 0 &&
                 getsockname(server, reinterpret_cast<sockaddr*>(&address), &length) == 0 &&
                 connect(client, reinterpret_cast<sockaddr*>(&address), length) == 0;
    REQUIRE(taken);
    taken = setsockopt(client, IPPROTO_TCP, TCP_CONGESTION, name.c_str(), static_cast<socklen_t>(name.size())) == 0;
    CHECK(send(client, "x", 1, 0) == 1);
    close(client);
    close(server);
    return taken;
}

void check_control(const std::string& table, const std::string& name) {
    LiveGate gate;
    Object object = load(gate, congestion(table));
    CHECK_FALSE(is_available(name));
    const Holdings before = holdings();
    {
        const Link link = attach_struct_ops(gate, object.require_map(table));
        CHECK(is_available(name));
        CHECK(connect_with(name));
        CHECK(hits(object) == 1);
    }
    CHECK(holdings() == before);
    CHECK_FALSE(is_available(name));
    CHECK_FALSE(connect_with(name));
    CHECK(hits(object) == 1);
}

void check_control_when_calls_fail(const std::string& table, const std::string& name) {
    LiveGate live;
    bool done = false;
    for (int nth = 0; !done; ++nth) {
        INFO("call " << nth << " fails");
        REQUIRE(nth < 10);
        Object object = load(live, congestion(table));  // a table is filled once
        const Holdings before = holdings();
        FailingGate gate(live, nth, ENOMEM);
        try {
            attach_struct_ops(gate, object.require_map(table));
        } catch (const Error& error) {
            CHECK(gate.has_failed());
            CHECK_FALSE(error.detail().doing.empty());
        }
        CHECK(holdings() == before);
        CHECK_FALSE(is_available(name));
        done = !gate.has_failed();
    }
}

void require_struct_ops(const std::string& table) {
    require_bpf();
    skip_unless_kernel_has("struct_ops links", table != "by_link" || running_version() >= 0x0604);
}

}  // namespace

TEST_CASE("a congestion control is registered by an update of its table, and forgotten with the link",
          "[attach][struct_ops]") {
    require_struct_ops("by_update");
    check_control("by_update", "minibpf_update");
    check_control_when_calls_fail("by_update", "minibpf_update");
}

TEST_CASE("a congestion control is registered by a link, and forgotten with it", "[attach][struct_ops]") {
    require_struct_ops("by_link");
    check_control("by_link", "minibpf_link");
    check_control_when_calls_fail("by_link", "minibpf_link");
}

TEST_CASE("two congestion controls of one name are a conflict that is told", "[attach][struct_ops]") {
    require_struct_ops("by_update");
    LiveGate gate;
    Object first = load(gate, congestion("by_update"));
    Object second = load(gate, congestion("by_update"));
    const Link link = attach_struct_ops(gate, first.require_map("by_update"));
    const Error error = error_of([&] { attach_struct_ops(gate, second.require_map("by_update")); });
    CHECK(error.detail().code == EEXIST);
    CHECK_THAT(error.detail().hint, contains("name"));
    CHECK(is_available("minibpf_update"));
}
