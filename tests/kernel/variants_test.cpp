// The ways in which objects reach a loader, each loaded and run: what they compute is the same.
#include <filesystem>

#include <tests/kernel/loading.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

ObjectSpec variant(const std::string& name) {
    return object_spec("tests/data/variants/" + name + ".o");
}

bool was_made(const std::string& name) {
    return std::filesystem::exists(build_dir() / "tests/data/variants" / (name + ".o"));
}

struct Totals {
    std::uint64_t sum;
    std::uint32_t rounds;
};

void check_counts(KernelGate& gate, ObjectSpec spec) {
    Object object = load(gate, std::move(spec));
    run_hello(gate, object);
    CHECK(variable<std::uint64_t>(object, "answer") == 4321);
    CHECK(variable<std::uint32_t>(object, "smaller") == 2);
    const std::uint32_t key = 1;
    const Bytes kept = object.require_map("totals").lookup(bytes_of(key)).value();
    CHECK(read_at<std::uint64_t>(kept, offsetof(Totals, sum)) == 4321u);
    CHECK(read_at<std::uint32_t>(kept, offsetof(Totals, rounds)) == 1u);
}

}  // namespace

TEST_CASE("objects of the older and newer instructions of BPF are loaded and run", "[load][variants]") {
    require_bpf();
    LiveGate gate;
    for (const char* cpu : {"v1", "v2", "v3"}) {
        INFO(cpu);
        check_counts(gate, variant(std::string(cpu) + "/counts"));
    }
    // They are not the same three times: 32-bit comparisons came with v3, "less than" with v2.
    const auto uses = [](const std::string& cpu, std::uint8_t instruction_class, std::uint8_t operation) {
        for (const FunctionSpec& function : variant(cpu + "/counts").functions) {
            for (const bpf_insn& insn : function.insns) {
                const bool is_class = BPF_CLASS(insn.code) == instruction_class;
                if (is_class && (operation == 0 || BPF_OP(insn.code) == operation)) return true;
            }
        }
        return false;
    };
    CHECK_FALSE(uses("v2", BPF_JMP32, 0));
    CHECK(uses("v3", BPF_JMP32, 0));
    CHECK_FALSE((uses("v1", BPF_JMP, BPF_JLT) || uses("v1", BPF_JMP, BPF_JSLT)));
    CHECK((uses("v2", BPF_JMP, BPF_JLT) || uses("v2", BPF_JMP, BPF_JSLT)));
}

TEST_CASE("an object that llvm-strip -g has been over is loaded and run", "[load][variants]") {
    require_bpf();
    require_prerequisite(was_made("stripped/counts"), "llvm-strip");
    LiveGate gate;
    const ObjectSpec spec = variant("stripped/counts");
    CHECK(spec.btf.has_value());
    check_counts(gate, spec);
}

TEST_CASE("an object without BTF is loaded and run, and has the variables of its symbols", "[load][variants]") {
    require_bpf();
    LiveGate gate;
    ObjectSpec spec = variant("nobtf/counts");
    CHECK_FALSE(spec.btf.has_value());
    CHECK(spec.variable<std::int32_t>("step") == -3);
    check_counts(gate, spec);

    spec.variable<std::int32_t>("step") = -10;  // then all four are smaller
    Object object = load(gate, std::move(spec));
    run_hello(gate, object);
    CHECK(variable<std::uint32_t>(object, "smaller") == 4);
}

// The program's file has an extern map, an extern variable and extern functions, one of them hidden. Of its weak
// function, the other file's definition has won; each file has its own static function and variable of the same names.
TEST_CASE("an object that bpftool has linked of two is loaded and run", "[load][variants]") {
    require_kernel_btf();
    require_prerequisite(was_made("linked/linked"), "bpftool");
    LiveGate gate;
    Object object = load(gate, variant("linked/linked"));
    run_hello(gate, object);
    constexpr std::uint64_t answer = (30 + 7) * 10 + (100 + 4) + 1 * 3000;
    CHECK(variable<std::uint64_t>(object, "answer") == answer);
    CHECK(variable<std::uint32_t>(object, "version") >> 8 == running_version());
    CHECK(variable<std::uint32_t>(object, "version_of_second") >> 8 == running_version());
    const std::uint32_t key = 0;
    const Bytes kept = object.require_map("sums").lookup(bytes_of(key)).value();
    CHECK(read_at<std::uint64_t>(kept, 0) == answer);
}
