// Functions of the kernel that fentry and its like are for, and what is said of those that are none.
#include <tests/catch.hpp>
#include <tests/fake_gate.hpp>
#include <tests/unit/btf/btf_builder.hpp>

#include <libminibpf/kernel/files.hpp>
#include <libminibpf/load/attach_target.hpp>

using namespace minibpf;
using minibpf::test::BtfBuilder;
using minibpf::test::contains;
using minibpf::test::error_of;
using minibpf::test::FakeGate;

namespace {

void add_kernel(FakeGate& gate) {
    BtfBuilder types;
    const btf::TypeId integer = types.integer("int", 4);
    types.function("vfs_read", types.prototype(integer, {{"count", integer}}));
    gate.files["/sys/kernel/btf/vmlinux"] = text_of(types.bytes());
    gate.files["/proc/modules"] = "";
    gate.files["/proc/kallsyms"] =
        "ffffffff81000000 T vfs_read\n"
        "ffffffff81000100 t do_step.isra.0\n"
        "ffffffff81000200 t do_step.isra.0.cold\n"
        "ffffffff81000300 T entry_written_in_assembler\n"
        "ffffffff81000400 D vfs_data\n";
}

std::string hint_for(const std::string& section) {
    FakeGate gate;
    add_kernel(gate);
    ProgramSpec program;
    program.section = section;
    program.kind = parse_section_name(section);
    KernelTypes types(gate, "");
    const ErrorDetail error = error_of([&] { find_attach_target(types, program); });
    CHECK(error.blame == Blame::object);
    return error.hint;
}

}  // namespace

TEST_CASE("a function that the compiler changed is named by fentry's error with its suffix", "[load]") {
    CHECK_THAT(hint_for("fentry/do_step"), contains("calls it do_step.isra.0,") && contains("kprobe:do_step.isra.0"));
    CHECK_THAT(hint_for("fmod_ret/do_step"), contains("kprobe:do_step.isra.0"));
}

TEST_CASE("a function without BTF is left to kprobes by fexit's error", "[load]") {
    CHECK_THAT(hint_for("fexit/entry_written_in_assembler"), contains("kprobe:entry_written_in_assembler"));
}

TEST_CASE("a misspelt function's nearest name in BTF is told, and data is no function", "[load]") {
    CHECK_THAT(hint_for("fentry/vfs_raed"), contains("did you mean 'vfs_read'?"));
    CHECK(hint_for("fentry/vfs_data").find("is there") == std::string::npos);
}
