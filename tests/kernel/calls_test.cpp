// How few calls a load makes, and what it reads of the kernel: the benchmark's objects, the kernel's types.
#include <filesystem>

#include <tests/kernel/loading.hpp>
#include <tests/kernel/watching_gate.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

const std::string vmlinux = "/sys/kernel/btf/vmlinux";

// Linux 6.16 lets that file be mapped into memory.
bool maps_vmlinux() {
    return running_version() >= 0x610;
}

bool knows_options_and_types_by_name(Object& object) {
    return variable<std::int32_t>(object, "pid") == getpid() && variable<std::int32_t>(object, "exists") == 1 &&
           variable<std::int32_t>(object, "missing") == 0;
}

}  // namespace

TEST_CASE("a load makes no more bpf(2) calls than its object needs", "[load][calls]") {
    require_kernel_btf();
    struct Expected {
        const char* object;
        std::size_t calls;
        bool uses_types;
    };
    // The BTF one, each map one, a data section two and .rodata three, each program one.
    constexpr Expected objects[] = {
        {"hello", 5, false}, {"maps", 11, false}, {"ring_buffer", 3, true}, {"tasks", 7, true}, {"many", 156, true}};
    // Where the kernel's types cannot be mapped: the first id, its descriptor, its size, the copy.
    const std::size_t to_copy = maps_vmlinux() ? 0 : 4;
    for (const Expected& expected : objects) {
        INFO(expected.object);
        LiveGate live;
        WatchingGate gate(live);
        const Object object = load(gate, object_spec("bench/" + std::string(expected.object) + ".bpf.o"));
        CHECK(gate.bpf_calls() == expected.calls + (expected.uses_types ? to_copy : 0));
    }
}

TEST_CASE("the kernel's types are mapped, or else copied in one call", "[load][calls]") {
    require_kernel_btf();
    LiveGate live;
    WatchingGate gate(live, vmlinux);
    const Object object = load(gate, for_this_process("core_live"));
    CHECK(gate.times_opened() == 1);
    CHECK(gate.times_read() == 0);
    std::size_t copies = 0;
    for (const auto& info : gate.infos()) {
        bpf_btf_info told;
        REQUIRE(info.size() >= sizeof told);
        std::memcpy(&told, info.data(), sizeof told);
        if (told.btf == 0) continue;
        ++copies;
        std::ifstream file(vmlinux, std::ios::binary);
        const std::string content((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
        CHECK(told.btf_size == content.size());
    }
    CHECK(gate.times_mapped() == (maps_vmlinux() ? 1 : 0));
    CHECK(copies == (maps_vmlinux() ? 0 : 1));
}

TEST_CASE("loads that share the kernel's types read and index them once", "[load][calls]") {
    require_kernel_btf();
    const Holdings before = holdings();
    {
        LiveGate live;
        WatchingGate gate(live, vmlinux);
        const LoadOptions options{.kernel_types = make_kernel_types(gate)};
        CHECK(gate.times_opened() == 0);  // before anything needs them
        for (int i = 0; i < 2; ++i) {
            Object object = load(gate, for_this_process("core_live"), options);
            run_hello(gate, object);
            CHECK(knows_options_and_types_by_name(object));
        }
        // Other names than those that the first load announced.
        Object other = load(gate, data("kconfig"), options);
        run_hello(gate, other);
        CHECK(gate.times_opened() == 1);
        CHECK(gate.times_mapped() == (maps_vmlinux() ? 1 : 0));
        load(gate, data("struct_ops"), options);
        CHECK(gate.times_opened() == 1);

        load(gate, for_this_process("core_live"));  // by itself
        CHECK(gate.times_opened() == 2);
    }
    CHECK(holdings() == before);
}

TEST_CASE("a load that fails leaves the kernel's types to the next one", "[load][calls]") {
    require_kernel_btf();
    LiveGate live;
    WatchingGate gate(live, vmlinux);
    const LoadOptions options{.kernel_types = make_kernel_types(gate)};
    CHECK_THROWS_AS(load(gate, data("missing_ksym"), options), Error);
    Object object = load(gate, for_this_process("core_live"), options);
    run_hello(gate, object);
    CHECK(knows_options_and_types_by_name(object));
    CHECK(gate.times_opened() == 1);
}
