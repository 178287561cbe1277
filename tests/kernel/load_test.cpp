// Loading on the running kernel: data sections, the verifier's verdicts, sizes, and which calls it takes.
#include <algorithm>
#include <vector>

#include <libminibpf/attach/attach.hpp>
#include <libminibpf/events/map_view.hpp>
#include <tests/kernel/live.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

// Passes every call on and remembers its name.
class CallList final : public KernelGate {
public:
    explicit CallList(KernelGate& next) : next_(next) {}

    using KernelGate::enter;
    Answer enter(const Syscall& call, const Reason& reason) noexcept override {
        if (!is_cleanup(call)) names.emplace_back(call_name(call));
        return next_.enter(call, reason);
    }

    std::vector<std::string> names;

private:
    KernelGate& next_;
};

constexpr bpf_insn set_register(std::uint8_t reg, std::int32_t value) {
    return {.code = BPF_ALU64 | BPF_MOV | BPF_K,
            .dst_reg = static_cast<__u8>(reg & 0xf),
            .src_reg = 0,
            .off = 0,
            .imm = value};
}

constexpr bpf_insn leave() {
    return {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0};
}

// r0 = *(u64 *)(r5 + 0), where r5 was never written.
constexpr bpf_insn read_from_nowhere() {
    return {.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 0, .src_reg = 5, .off = 0, .imm = 0};
}

ObjectSpec raw_object(const std::vector<bpf_insn>& insns) {
    const ByteView bytes = std::as_bytes(std::span(insns));
    return parse_raw_instructions(bytes, "generated", parse_section_name("raw_tp/sys_enter"), "GPL");
}

std::vector<bpf_insn> straight_line(std::size_t count) {
    std::vector<bpf_insn> insns(count, set_register(0, 0));
    insns.back() = leave();
    return insns;
}

std::string last_line(std::string_view text) {
    while (text.ends_with('\n')) text.remove_suffix(1);
    return std::string(text.substr(text.rfind('\n') + 1));
}

}  // namespace

// Data sections and subprograms.

TEST_CASE("a program sees its constants and initial values, and leaves its results in .bss and .data", "[load]") {
    require_tracepoints();
    LiveGate gate;
    Object object = load(gate, for_this_process("kernel_sections"));
    const Link link = attach(gate, object.require_program("look"));
    provoke_times(2);
    CHECK(hits(object) == 2);
    CHECK(variable<std::uint64_t>(object, "product") == 42);
    CHECK(variable<std::int64_t>(object, "sum") == 1000 + 2 * 21);
    CHECK(map_line(object, object.require_map(".bss")) ==
          R"(.bss: hits=2 product=42 copy="rodata" seen={.x = 3, .y = -4})");
    CHECK(map_line(object, object.require_map(".data")) == ".data: sum=1042 moving={.x = 12, .y = 20}");
}

TEST_CASE("variables that are set before the load have their new values from the first hit on", "[load]") {
    require_tracepoints();
    LiveGate gate;
    ObjectSpec spec = for_this_process("kernel_sections");
    spec.set_variable("factor", "100");
    spec.set_variable("word", "\"changed\"");
    spec.set_variable("corner", "{.x = -1, .y = 0x10}");
    spec.set_variable("sum", "-21");
    spec.set_variable("hits", "5");
    Object object = load(gate, std::move(spec));
    CHECK(hits(object) == 5);
    const Link link = attach(gate, object.require_program("look"));
    provoke();
    CHECK(map_line(object, object.require_map(".bss")) ==
          R"(.bss: hits=6 product=600 copy="changed" seen={.x = -1, .y = 16})");
    CHECK(variable<std::int64_t>(object, "sum") == 0);
}

TEST_CASE("user space can change .bss and .data while the program runs", "[load]") {
    require_tracepoints();
    LiveGate gate;
    Object object = load(gate, for_this_process("kernel_sections"));
    const Link link = attach(gate, object.require_program("look"));
    const std::uint32_t zero = 0;
    for (const char* section : {".bss", ".data"}) {
        Map& map = object.require_map(section);
        map.update(bytes_of(zero), Bytes(map.spec().value_size));
    }
    provoke();
    CHECK(hits(object) == 1);
    CHECK(variable<std::int64_t>(object, "sum") == 21);
}

TEST_CASE("a frozen .rodata refuses updates with EPERM and keeps its values", "[load]") {
    require_bpf();
    LiveGate gate;
    Object object = load(gate, for_this_process("kernel_sections"));
    Map& rodata = object.require_map(".rodata");
    const std::uint32_t zero = 0;
    const Error error = error_of([&] { rodata.update(bytes_of(zero), Bytes(rodata.spec().value_size)); });
    CHECK(error.detail().code == EPERM);
    CHECK(error.detail().call == "bpf(BPF_MAP_UPDATE_ELEM)");
    CHECK_THAT(error.what(), contains(".rodata"));
    CHECK_THAT(error.detail().hint, contains("--set"));
    CHECK(variable<std::uint32_t>(object, "factor") == 7);
}

TEST_CASE("maps take, give and drop elements by their types", "[load]") {
    require_bpf();
    LiveGate gate;
    Object object = load(gate, object_spec("progs/chapter4/hello_buffer_config_raw_tp.bpf.o"));
    Map& config = object.require_map("config");
    config.update("1000", "\"Hi user 1k!\"");
    CHECK(map_line(object, config) == R"(config: [1000]={.message = "Hi user 1k!"})");
    const std::uint32_t user = 1000;
    CHECK(config.remove(bytes_of(user)));
    CHECK_FALSE(config.remove(bytes_of(user)));
    CHECK_FALSE(config.lookup(bytes_of(user)));
    CHECK(map_line(object, config) == "config:");
}

// The verifier.

TEST_CASE("a verifier log of more than 64 KiB comes whole, from its first instruction to its last line",
          "[load][verifier]") {
    require_bpf();
    LiveGate gate;
    std::vector<bpf_insn> insns = straight_line(20'000);
    for (std::size_t i = 0; i < insns.size(); ++i) insns[i] = set_register(0, static_cast<std::int32_t>(i));
    insns[insns.size() - 2] = read_from_nowhere();
    insns.back() = leave();
    const Holdings before = holdings();
    const Error error = error_of([&] { load(gate, raw_object(insns)); });
    const std::string& log = error.detail().kernel_log;
    CHECK(error.detail().code == EACCES);
    CHECK(error.detail().call == "bpf(BPF_PROG_LOAD)");
    CHECK(error.detail().blame == Blame::kernel);
    CHECK_THAT(error.what(), contains("generated"));
    REQUIRE(log.size() > 64 * 1024);
    CHECK(log.find("0: (b7) r0 = 0 ") != std::string::npos);
    CHECK(log.find("\n10000: (b7) r0 = 10000 ") != std::string::npos);
    CHECK(log.find("\n19998: (79) r0 = *(u64 *)(r5 +0)") != std::string::npos);
    CHECK(log.find("R5 !read_ok") != std::string::npos);
    CHECK_THAT(last_line(log), Catch::Matchers::StartsWith("processed 19999 insns (limit 1000000)"));
    CHECK(holdings() == before);
}

TEST_CASE("a rejection carries errno, the whole log, and what to do about it", "[load][verifier]") {
    require_bpf();
    LiveGate gate;
    const Error error = error_of([&] { load(gate, raw_object({leave()})); });
    CHECK(error.detail().code == EACCES);
    CHECK(error.detail().blame == Blame::kernel);
    CHECK_THAT(error.detail().kernel_log, contains("0: (95) exit") && contains("R0 !read_ok"));
    CHECK_THAT(last_line(error.detail().kernel_log), Catch::Matchers::StartsWith("processed 1 insns"));
    CHECK_THAT(error.detail().hint, contains("return 0"));
}

TEST_CASE("a GPL-only helper in an object without a license names the license section", "[load][verifier]") {
    require_bpf();
    LiveGate gate;
    const Error error = error_of([&] { load(gate, object_spec("tests/data/kernel_no_license.bpf.o")); });
    CHECK(error.detail().code == EINVAL);
    CHECK_THAT(error.detail().kernel_log,
               contains("cannot call GPL-restricted function from non-GPL compatible program"));
    CHECK_THAT(error.detail().hint,
               contains("kernel_no_license.bpf.o has no section \"license\"") && contains("SEC(\"license\")"));
}

// Sizes.

TEST_CASE("raw instructions may be as many as the kernel takes: 1,000,000", "[load][size]") {
    require_bpf();
    LiveGate gate;
    Object object = load(gate, raw_object(straight_line(1'000'000)));
    CHECK(object.programs().front().fd() >= 0);
}

TEST_CASE("one instruction more than 1,000,000 is refused before any call", "[load][size]") {
    require_bpf();
    LiveGate live;
    CallList gate(live);
    const Error error = error_of([&] { load(gate, raw_object(straight_line(1'000'001))); });
    CHECK(error.detail().blame == Blame::object);
    CHECK_THAT(error.what(), contains("1000000") || contains("1,000,000"));
    CHECK(gate.names.empty());
}

// The fewest calls.

TEST_CASE("the smallest program takes one call of bpf()", "[load][calls]") {
    require_bpf();
    LiveGate live;
    CallList gate(live);
    const Bytes insns = file_bytes(build_dir() / "progs/smallest.text");
    const ProgramKind tracepoint = parse_section_name("tracepoint/syscalls/sys_enter_execve");
    const Object object = load(gate, parse_raw_instructions(insns, "smallest.text", tracepoint, "GPL"));
    CHECK(gate.names == std::vector<std::string>{"bpf(BPF_PROG_LOAD)"});
}

TEST_CASE("the smallest program takes one call of bpf() as an ELF object too", "[load][calls]") {
    require_bpf();
    LiveGate live;
    CallList gate(live);
    ObjectSpec spec = object_spec("progs/smallest.bpf.o");
    spec.programs.at(0).kind = parse_section_name("tracepoint/syscalls/sys_enter_execve");
    const Object object = load(gate, std::move(spec));
    CHECK(gate.names == std::vector<std::string>{"bpf(BPF_PROG_LOAD)"});
}

TEST_CASE("chapter 3's hello takes seven calls of bpf()", "[load][calls]") {
    require_bpf();
    LiveGate live;
    CallList gate(live);
    const Object object = load(gate, object_spec("progs/chapter3/hello.bpf.o"));
    CHECK(gate.names == std::vector<std::string>{"bpf(BPF_BTF_LOAD)", "bpf(BPF_MAP_CREATE)", "bpf(BPF_MAP_UPDATE_ELEM)",
                                                 "bpf(BPF_MAP_CREATE)", "bpf(BPF_MAP_UPDATE_ELEM)",
                                                 "bpf(BPF_MAP_FREEZE)", "bpf(BPF_PROG_LOAD)"});
}

TEST_CASE("chapter 4's raw tracepoint takes five calls of bpf() to be running", "[load][calls]") {
    require_bpf();
    LiveGate live;
    CallList gate(live);
    Object object = load(gate, object_spec("progs/chapter4/hello_buffer_config_raw_tp.bpf.o"));
    const Link link = attach(gate, object.require_program("hello"));
    std::vector<std::string> names = gate.names;
    const auto is_bpf = [](const std::string& name) { return name.starts_with("bpf("); };
    names.erase(std::stable_partition(names.begin(), names.end(), is_bpf), names.end());
    CHECK(names == std::vector<std::string>{"bpf(BPF_BTF_LOAD)", "bpf(BPF_MAP_CREATE)", "bpf(BPF_MAP_CREATE)",
                                            "bpf(BPF_PROG_LOAD)", "bpf(BPF_RAW_TRACEPOINT_OPEN)"});
}
