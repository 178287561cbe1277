// A link goes on with another program after an update, and runs none after its detach, though its descriptor is still
// open: the links of cgroups, network namespaces, interfaces and sockmaps. XDP's are in loaded_test.cpp.
#include <functional>
#include <string>

#include <libminibpf/attach/attach.hpp>
#include <libminibpf/attach/link_operations.hpp>
#include <tests/kernel/cgroup.hpp>
#include <tests/kernel/connection.hpp>
#include <tests/kernel/network_hooks.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

// The same program of two objects, so that each has a counter of its own.
void check_update_and_detach(const std::string& program, const std::string& hook,
                             const std::function<void()>& provoke_it) {
    INFO(hook);
    LiveGate gate;
    Object first = load_hooks(gate, {program}), second = load_hooks(gate, {program});
    const int first_fd = first.require_program(program).fd(), second_fd = second.require_program(program).fd();
    const auto run = [&] {
        const std::uint64_t of_first = hits(first), of_second = hits(second);
        provoke_it();
        return std::string(hits(first) != of_first ? "first " : "") + (hits(second) != of_second ? "second " : "");
    };
    const Link link = attach(gate, first.require_program(program), parse_hook(hook), {.by = AttachBy::link});
    const std::string target = target_of(gate, link);
    CHECK(run() == "first ");

    const Error wrong = error_of([&] { update_link(gate, link.link_fd(), second_fd, second_fd); });
    CHECK(wrong.detail().code == EPERM);
    CHECK(run() == "first ");
    update_link(gate, link.link_fd(), second_fd, first_fd);
    CHECK(link_facts(gate, link.link_fd()).prog_id == program_facts(gate, second_fd).id);
    CHECK(target_of(gate, link) == target);
    CHECK(run() == "second ");
    update_link(gate, link.link_fd(), first_fd);
    CHECK(run() == "first ");

    detach_link(gate, link.link_fd());
    CHECK(run().empty());
    CHECK(target_of(gate, link) != target);  // of the place nothing is left but 0
    CHECK(link_facts(gate, link.link_fd()).id != 0);
}

}  // namespace

TEST_CASE("a cgroup's link is updated and detached", "[attach][cgroup][link]") {
    require_bpf();
    NetworkNamespace network;
    const TestCgroup cgroup;
    check_update_and_detach("on_egress", "cgroup_skb/egress:" + cgroup.path(), [] { send_datagram(); });
    check_update_and_detach("on_sendmsg4", "cgroup/sendmsg4:" + cgroup.path(), [] {
        const TestSocket socket(AF_INET, SOCK_DGRAM);
        const sockaddr_in address = loopback_address(4711);
        sendto(socket.get(), "ping", 4, 0, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    });
}

TEST_CASE("the links of a network namespace are updated and detached", "[attach][network][link]") {
    require_bpf();
    NetworkNamespace network;
    require_veth(network);
    check_update_and_detach("on_lookup", "sk_lookup:/proc/thread-self/ns/net", [] { send_datagram(); });
    check_update_and_detach("on_dissection", "flow_dissector:/proc/thread-self/ns/net", [] { send_frame("veth0"); });
}

TEST_CASE("a tcx link is updated and detached", "[attach][network][link]") {
    require_bpf();
    NetworkNamespace network;
    require_veth(network);
    LiveGate gate;
    require_tcx(gate);
    check_update_and_detach("on_tc", "tcx/ingress:veth1", [] { send_frame("veth0"); });
    check_update_and_detach("on_tc", "tcx/egress:veth0", [] { send_frame("veth0"); });
}

TEST_CASE("a netkit link is updated and detached", "[attach][network][link]") {
    require_bpf();
    NetworkNamespace network;
    require_netkit(network);
    check_update_and_detach("on_tc", "netkit/primary:nk0", [] { send_frame("nk0"); });
    check_update_and_detach("on_tc", "netkit/peer:nk0", [] { send_frame("nk1"); });
}
