// Types of kernel modules: a function of a module that a program calls, and one that a program is attached to.
#include <cerrno>
#include <cstring>

#include <tests/catch.hpp>
#include <tests/fake_gate.hpp>
#include <tests/read_object.hpp>
#include <tests/unit/btf/btf_builder.hpp>

#include <libminibpf/load/loader.hpp>
#include <libminibpf/narrate/failing_gate.hpp>

using namespace minibpf;
using minibpf::test::BtfBuilder;
using minibpf::test::FakeGate;
using minibpf::test::object_spec;

namespace {

constexpr std::uint32_t vmlinux_id = 1, module_id = 2, other_id = 3;
constexpr std::uint32_t module_function = 3;  // behind vmlinux's one type and the function's prototype

Bytes vmlinux_btf() {
    BtfBuilder types;
    types.integer("int", 4);
    return types.bytes();
}

/// The module's types go on where vmlinux's end, and so do its strings.
Bytes module_btf() {
    const auto base_strings = read_at<btf_header>(vmlinux_btf(), 0)->str_len;
    BtfBuilder types;
    types.string(std::string(base_strings - 2, 'x'));  // stands for vmlinux's strings, and is cut out again
    types.prototype(1, {{"x", 1}});
    types.function("minibpf_module_function", 2);
    Bytes raw = types.bytes();
    auto header = *read_at<btf_header>(raw, 0);
    const auto strings = raw.begin() + header.hdr_len + header.str_off;
    raw.erase(strings, strings + base_strings);
    header.str_len -= base_strings;
    std::memcpy(raw.data(), &header, sizeof header);
    return raw;
}

/// Answers as a kernel whose third BTF is one that another loader has brought.
void add_module(FakeGate& gate) {
    const Bytes vmlinux = vmlinux_btf();
    gate.files["/sys/kernel/btf/vmlinux"] = std::string(reinterpret_cast<const char*>(vmlinux.data()), vmlinux.size());
    gate.files["/proc/modules"] = "minibpf_module 16384 0 - Live 0x0000000000000000\n";
    gate.on<GetNextId>([](const GetNextId& call) -> std::optional<Answer> {
        if (call.start_id >= other_id) return FakeGate::failure(ENOENT);
        return Answer{.out = call.start_id + 1};
    });
    auto asked = std::make_shared<std::uint32_t>(0);
    gate.on<GetFdById>([asked](const GetFdById& call) -> std::optional<Answer> {
        *asked = call.id;
        return std::nullopt;
    });
    gate.on<ObjGetInfoByFd>([asked](const ObjGetInfoByFd& call) -> std::optional<Answer> {
        const Bytes content = *asked == module_id ? module_btf() : vmlinux_btf();
        const std::string name = *asked == vmlinux_id ? "vmlinux" : *asked == module_id ? "minibpf_module" : "";
        auto& info = *reinterpret_cast<bpf_btf_info*>(call.info.data());
        if (info.btf != 0) std::memcpy(reinterpret_cast<void*>(info.btf), content.data(), content.size());
        if (info.name != 0) std::memcpy(reinterpret_cast<void*>(info.name), name.c_str(), name.size() + 1);
        info.btf_size = static_cast<__u32>(content.size());
        info.kernel_btf = *asked != other_id;
        return Answer{.out = sizeof info};
    });
}

}  // namespace

TEST_CASE("a module's function is called by its number in the module's BTF", "[load]") {
    FakeGate gate;
    add_module(gate);
    const Object object = load(gate, object_spec("tests/data/module_kfunc.bpf.o"));
    const auto loads = gate.calls<ProgLoad>();
    REQUIRE(loads.size() == 2);
    REQUIRE(loads[0]->fd_array.size() == 2);
    const bpf_insn* call = nullptr;
    for (const bpf_insn& insn : loads[0]->insns) {
        if (insn.code == (BPF_JMP | BPF_CALL)) call = &insn;
    }
    REQUIRE(call != nullptr);
    CHECK(call->src_reg == BPF_PSEUDO_KFUNC_CALL);
    CHECK(call->imm == module_function);
    CHECK(call->off == 1);  // in fd_array
    CHECK(loads[1]->attach_btf_id == module_function);
    CHECK(loads[1]->attach_prog_fd == static_cast<std::uint32_t>(loads[0]->fd_array[1]));
}

TEST_CASE("when any call fails, the types of modules leave nothing open", "[load][fault]") {
    for (const int error : {EPERM, EINVAL, ENOMEM, ENOENT}) {
        for (int nth = 0;; ++nth) {
            INFO("call " << nth << " fails with " << errno_name(error));
            REQUIRE(nth < 100);
            FakeGate gate;
            add_module(gate);
            FailingGate failing(gate, nth, error);
            try {
                const Object object = load(failing, object_spec("tests/data/module_kfunc.bpf.o"));
            } catch (const Error& thrown) {
                CHECK(failing.has_failed());
                CHECK_FALSE(thrown.detail().doing.empty());
            }
            CHECK(gate.open_fds().empty());
            CHECK(gate.mapping_count() == 0);
            CHECK(gate.errors().empty());
            if (failing.has_failed()) continue;
            CHECK(nth > 15);
            break;
        }
    }
}

TEST_CASE("a module, or a function in it, that is not there is an error that names it", "[load]") {
    FakeGate gate;
    add_module(gate);
    ObjectSpec spec = object_spec("tests/data/module_kfunc.bpf.o");
    LoadOptions options;
    options.programs = {"inside"};
    for (ProgramSpec& program : spec.programs) program.kind.hook.target = "other_module:minibpf_module_function";
    const ErrorDetail error = minibpf::test::error_of([&] { load(gate, spec, options); });
    CHECK_THAT(error.doing, test::contains("other_module has no function 'minibpf_module_function'"));
    CHECK(gate.open_fds().empty());
}

TEST_CASE("a program for a function that is refused to root too has a kernel that does not do that", "[load]") {
    FakeGate gate;
    add_module(gate);
    gate.fail<ProgLoad>(EPERM);
    LoadOptions options;
    options.programs = {"inside"};
    const ErrorDetail error =
        minibpf::test::error_of([&] { load(gate, object_spec("tests/data/module_kfunc.bpf.o"), options); });
    CHECK_THAT(error.hint, test::contains("run as root") && test::contains("to functions"));
    CHECK(error.blame == Blame::facility);
}
