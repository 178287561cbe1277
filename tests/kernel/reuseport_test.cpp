// sk_reuseport programs at another process's socket, by its pid and descriptor.
#include <libminibpf/attach/attach.hpp>
#include <tests/kernel/attach_sweep.hpp>
#include <tests/kernel/live.hpp>
#include <tests/kernel/network.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

// Bound to the port that send_datagram() sends to, and ready to share it.
class SharedReceiver {
public:
    SharedReceiver() {
        const int one = 1;
        const sockaddr_in address = loopback_address(4711);
        REQUIRE(setsockopt(socket_.get(), SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) == 0);
        REQUIRE(bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
    }

    /// As --attach names it, in this process.
    Hook hook() const {
        return parse_hook("sk_reuseport:" + std::to_string(getpid()) + "/" + std::to_string(socket_.get()));
    }

private:
    TestSocket socket_{AF_INET, SOCK_DGRAM};
};

}  // namespace

TEST_CASE("an sk_reuseport program runs for the socket of a process, whatever call fails nothing of it is left",
          "[attach][network][fault]") {
    require_bpf();
    NetworkNamespace network;
    const SharedReceiver receiver;
    LiveGate live;
    Object object = load(live, object_spec("tests/data/network_hooks.bpf.o"), {.programs = {"on_reuseport"}});
    const Program& program = object.require_program("on_reuseport");
    const auto attach_it = [&](KernelGate& gate) { return attach(gate, program, receiver.hook()); };
    CHECK(sweep_attach(attach_it, counts(object, [] { send_datagram(); })) == 3);
}

TEST_CASE("a process or descriptor that is not there, or no socket, is named", "[attach][network]") {
    require_bpf();
    LiveGate gate;
    Object object = load(gate, object_spec("tests/data/network_hooks.bpf.o"), {.programs = {"on_reuseport"}});
    const auto error_at = [&](const std::string& target) {
        return error_of(
            [&] { attach(gate, object.require_program("on_reuseport"), parse_hook("sk_reuseport:" + target)); });
    };
    const std::string self = std::to_string(getpid());
    CHECK(error_at("999999999/3").detail().blame == Blame::object);
    CHECK_THAT(error_at("999999999/3").detail().hint, contains("no such process"));
    CHECK_THAT(error_at(self + "/9999").detail().hint, contains("no such descriptor"));
    for (const char* text : {"nginx", "1", "1/", "/3", "1/x", "99999999999/1"}) {
        INFO(text);
        CHECK(error_at(text).detail().blame == Blame::usage);
    }
    CHECK(error_at(self + "/0").detail().code != 0);
}
