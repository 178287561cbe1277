// What the kernel says about externs.
#include <libminibpf/base/error.hpp>
#include <libminibpf/load/extern_values.hpp>
#include <tests/catch.hpp>
#include <tests/error_of.hpp>
#include <tests/fake_gate.hpp>

using namespace minibpf;
using minibpf::test::error_of;
using minibpf::test::FakeGate;

namespace {

ExternValue address_of(const std::string& name, const std::string& kallsyms) {
    FakeGate gate;
    gate.files["/proc/kallsyms"] = kallsyms;
    KernelTypes types(gate, "");
    ObjectSpec object;
    object.externs.push_back({.name = name, .kind = ExternKind::ksym_address});
    return find_externs(gate, types, object, {true}, {}).front();
}

}  // namespace

TEST_CASE("a kernel symbol at address 0 is one like others, where the kernel shows addresses", "[load]") {
    const std::string kallsyms =
        "0000000000000000 A __per_cpu_start\n"
        "ffffffff81000000 T _stext\n"
        "ffffffffc0000000 t br_forward\t[bridge]\n";
    CHECK(address_of("_stext", kallsyms).address == 0xffffffff81000000);
    CHECK(address_of("br_forward", kallsyms).address == 0xffffffffc0000000);
    const ExternValue first = address_of("__per_cpu_start", kallsyms);
    CHECK(first.found);
    CHECK(first.address == 0);
}

TEST_CASE("where all kernel symbols are at address 0, they are hidden", "[load]") {
    const Error error = error_of([] { address_of("_stext", "0000000000000000 A fixed\n0000000000000000 T _stext\n"); });
    CHECK(error.detail().doing.find("hides addresses") != std::string::npos);
    CHECK(error.detail().hint.find("kptr_restrict") != std::string::npos);
}
