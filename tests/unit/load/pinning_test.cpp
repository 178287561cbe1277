// Pinning where the kernel first says no.
#include <libminibpf/base/error.hpp>
#include <libminibpf/load/pinning.hpp>
#include <tests/catch.hpp>
#include <tests/error_of.hpp>
#include <tests/fake_gate.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

// Refuses the first `times` pins.
void refuse_pins(FakeGate& gate, int times) {
    gate.on<ObjPin>([times](const ObjPin&) mutable -> std::optional<Answer> {
        if (times-- > 0) return FakeGate::failure(EPERM);
        return Answer{};
    });
}

}  // namespace

TEST_CASE("a bpffs is mounted for a pin where there is none", "[load][pins]") {
    FakeGate gate;
    gate.files["/proc/self/mounts"] = "sysfs /sys sysfs rw 0 0\nbpf /run/bpf bpf rw 0 0\n";
    refuse_pins(gate, 1);
    pin_object(gate, "/sys/fs/bpf/deep/down", 7, "a map");
    CHECK(gate.count<Mount>() == 1);
    CHECK(gate.count<ObjPin>() == 2);
    REQUIRE(gate.count<Mkdir>() == 1);
    CHECK(gate.calls<Mkdir>()[0]->path == "/sys/fs/bpf/deep");
}

TEST_CASE("a bpffs is not mounted over one that is there, whose pins it would hide", "[load][pins]") {
    FakeGate gate;
    gate.files["/proc/self/mounts"] = "sysfs /sys sysfs rw 0 0\nbpf /sys/fs/bpf bpf rw,relatime 0 0\n";
    refuse_pins(gate, 2);
    const Error error = error_of([&] { pin_object(gate, "/sys/fs/bpf/name", 7, "a map"); });
    CHECK(error.detail().code == EPERM);
    CHECK(gate.count<Mount>() == 0);
}
