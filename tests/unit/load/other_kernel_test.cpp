// CO-RE by a file's types instead of the running kernel's: raw BTF, as /sys/kernel/btf/vmlinux is, or an ELF file with
// a section .BTF, as a vmlinux image is.
#include <cstring>

#include <tests/catch.hpp>
#include <tests/error_of.hpp>
#include <tests/fake_gate.hpp>
#include <tests/read_object.hpp>

#include <libminibpf/elf/elf_file.hpp>
#include <libminibpf/load/loader.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

std::string as_text(ByteView bytes) {
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

/// The instructions of core_local's programs, fitted to the types of that file.
std::vector<std::vector<bpf_insn>> fitted_to(const std::string& content) {
    FakeGate gate;
    gate.files["/other"] = content;
    const Object object = load(gate, object_spec("tests/data/core_local.bpf.o"), {.btf = "/other"});
    std::vector<std::vector<bpf_insn>> all;
    for (const ProgLoad* program : gate.calls<ProgLoad>()) {
        all.emplace_back(program->insns.begin(), program->insns.end());
    }
    for (const OpenAt* call : gate.calls<OpenAt>()) CHECK(std::string(call->path).find("/sys/kernel") != 0);
    return all;
}

bool are_equal(const std::vector<bpf_insn>& one, const std::vector<bpf_insn>& other) {
    return one.size() == other.size() && std::memcmp(one.data(), other.data(), one.size() * sizeof(bpf_insn)) == 0;
}

}  // namespace

TEST_CASE("types from a file are the same to CO-RE raw and in ELF", "[load][core]") {
    const Bytes elf = file_bytes(build_dir() / "tests/data/core_kernel.bpf.o");
    const auto by_elf = fitted_to(as_text(elf));
    const auto by_raw = fitted_to(as_text(elf::require_section(elf, "core_kernel.bpf.o", ".BTF")));
    REQUIRE(by_elf.size() > 20);
    REQUIRE(by_raw.size() == by_elf.size());
    for (std::size_t i = 0; i < by_raw.size(); ++i) CHECK(are_equal(by_raw[i], by_elf[i]));
    CHECK(by_raw[0][0].imm == 8);  // `offset`, of struct thing's member `moved`
}

TEST_CASE("a file without types, or with broken ones, is an error that names the file", "[load][core]") {
    const std::string elf = as_text(file_bytes(build_dir() / "tests/data/core_kernel.bpf.o"));
    const std::string without = as_text(file_bytes(build_dir() / "progs/smallest.bpf.o"));
    const std::string raw = as_text(elf::require_section(bytes_of(std::string_view(elf)), "core_kernel.bpf.o", ".BTF"));
    const std::string texts[] = {
        "", "BTF", "CONFIG_HZ=1000\n", without, elf.substr(0, elf.size() / 2), raw.substr(0, 100)};
    for (const std::string& text : texts) {
        INFO(text.size() << " bytes");
        const Error error = error_of([&] { fitted_to(text); });
        CHECK_THAT(error.detail().doing, contains("/other: "));
        CHECK(error.detail().blame == Blame::object);
    }
}

TEST_CASE("loads share the types of a file too, and not those of another one", "[load][core]") {
    FakeGate gate;
    gate.files["/other"] = as_text(file_bytes(build_dir() / "tests/data/core_kernel.bpf.o"));
    const LoadOptions options{.btf = "/other", .kernel_types = make_kernel_types(gate, "/other")};
    for (int i = 0; i < 2; ++i) load(gate, object_spec("tests/data/core_local.bpf.o"), options);
    CHECK(gate.count<OpenAt>() == 1);

    const LoadOptions mixed{.btf = "/other", .kernel_types = make_kernel_types(gate)};
    const Error error = error_of([&] { load(gate, object_spec("tests/data/core_local.bpf.o"), mixed); });
    CHECK(error.detail().blame == Blame::usage);
    CHECK_THAT(error.detail().doing, contains("/other") && contains("the running kernel"));
}
