// A hidden subprogram that is static for the verifier, which so knows what its arguments are.
#include <tests/kernel/loading.hpp>

using namespace minibpf;
using namespace minibpf::test;

TEST_CASE("a hidden subprogram is checked with its callers, whose stack it may use", "[load]") {
    require_bpf();
    LiveGate gate;
    Object object = load(gate, data("hidden"));
    const Answer link =
        gate.enter(RawTracepointOpen{.name = "sys_enter", .prog_fd = object.require_program("hello").fd()});
    REQUIRE(link.ok());
    const Fd attached(gate, link.fd());
    provoke_times(3);
    CHECK(variable<std::uint64_t>(object, "hidden_sum") == 42);
    CHECK(variable<std::uint64_t>(object, "shared_sum") == 42);
    CHECK(variable<std::uint64_t>(object, "hidden_count") == 1);

    ObjectSpec global = data("hidden");
    global.btf->set_kind(global.btf->find(btf::Kind::func, "sum_of").value(), btf::Kind::func, BTF_FUNC_GLOBAL);
    CHECK_THAT(error_of([&] { load(gate, std::move(global)); }).detail().kernel_log, contains("sum_of"));
}

TEST_CASE("a section of hidden variables alone is no memory to share, one with others is", "[load]") {
    require_bpf();
    LiveGate gate;
    Object object = load(gate, data("hidden"));
    const auto flags = [&](const char* map) {
        return kernel_info<bpf_map_info>(gate, object.require_map(map).fd()).map_flags;
    };
    CHECK((flags(".bss") & BPF_F_MMAPABLE) == 0);
    CHECK((flags(".data.mixed") & BPF_F_MMAPABLE) != 0);
    CHECK_THROWS_AS(object.variable<std::uint64_t>("hidden_count"), Error);
    CHECK(object.variable<std::uint64_t>("shared_sum") == 1);
}
