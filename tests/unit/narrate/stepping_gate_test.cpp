#include <tests/catch.hpp>

#include <array>
#include <cerrno>
#include <sstream>
#include <string>

#include <fcntl.h>

#include <libminibpf/kernel/fd.hpp>
#include <libminibpf/narrate/stepping_gate.hpp>
#include <tests/fake_gate.hpp>

namespace minibpf {

namespace {

MapCreate config_map() {
    return {.name = "config", .type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 12, .max_entries = 10240};
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("stepping shows why, the call, each field with its bytes, and afterwards what changed", "[narrate][step]") {
    test::FakeGate fake;
    std::istringstream in("\n");
    std::ostringstream out;
    SteppingGate gate(fake, in, out);
    CHECK(gate.enter(config_map(), "hello refers to it in instruction 12").fd() == 3);
    const std::string text = out.str();
    CHECK(contains(text, "--- 1. bpf(BPF_MAP_CREATE): creates a map"));
    CHECK(contains(text, "why: hello refers to it in instruction 12\n"));
    CHECK(contains(text, "bpf(BPF_MAP_CREATE, {map_type=BPF_MAP_TYPE_HASH, key_size=4, value_size=12, "));
    CHECK(contains(text, "     0  01 00 00 00                 map_type=BPF_MAP_TYPE_HASH  "));
    CHECK(contains(text, "     8  0c 00 00 00                 value_size=12 "));
    CHECK(contains(text, "    28  63 6f 6e 66 69 67 00 00 ..  map_name=\"config\""));
    CHECK(contains(text, "[Enter] make the call"));
    CHECK(contains(text, "map_extra=0}, 72) = 3\n"));
    CHECK(contains(text, "descriptor 3 is now map \"config\"\n"));
    CHECK(contains(text, "open: 3 map \"config\"\n"));
}

TEST_CASE("stepping does not stop at the third and further reads of one file", "[narrate][step]") {
    struct FileGate final : KernelGate {
        using KernelGate::enter;
        Answer enter(const Syscall& call, const Reason&) noexcept override {
            return {.value = std::holds_alternative<Read>(call) && pieces-- > 0 ? 100 : 0};
        }
        int pieces = 1300;
    } file;
    std::istringstream in("\n\n\n");  // the end of the input quits
    std::ostringstream out;
    SteppingGate gate(file, in, out);
    std::array<std::byte, 128> buffer{};
    int reads = 0;
    while (gate.enter(Read{.fd = 3, .buffer = buffer}).value > 0) ++reads;
    CHECK(reads == 1300);
    CHECK(gate.enter(EpollCreate{}).ok());
    CHECK_FALSE(gate.has_quit());
    CHECK(contains(out.str(), "(1299 more reads of it, 129800 bytes)\n"));
}

TEST_CASE("stepping stops before each call until c lets it run on", "[narrate][step]") {
    test::FakeGate fake;
    std::istringstream in("\nc\n");
    std::ostringstream out;
    SteppingGate gate(fake, in, out);
    gate.enter(config_map());
    gate.enter(config_map());
    const std::string shown = out.str();
    gate.enter(config_map());
    gate.enter(Close{.fd = 3});
    CHECK(out.str().size() >= shown.size());
    CHECK(fake.count<MapCreate>() == 3);
    CHECK_FALSE(contains(out.str(), "--- 3."));
}

TEST_CASE("q while stepping cancels every further call but clean-up", "[narrate][step]") {
    test::FakeGate fake;
    std::istringstream in("\nq\n");
    std::ostringstream out;
    SteppingGate gate(fake, in, out);
    {
        Fd map(gate, gate.enter(config_map()).fd());
        const Answer program = gate.enter(ProgLoad{});
        CHECK(program.error == ECANCELED);
        CHECK(program.origin == Origin::injected);
        CHECK(gate.enter(BtfLoad{}).error == ECANCELED);
        CHECK(gate.enter(EpollWait{}).error == ECANCELED);
        CHECK(gate.has_quit());
    }
    CHECK(fake.open_fds().empty());
    CHECK(fake.call_names() == std::vector<std::string>{"bpf(BPF_MAP_CREATE)", "close"});
    CHECK(contains(out.str(), "clean-up: close(3)                                = 0\nopen: nothing\n"));
}

TEST_CASE("the end of the input while stepping quits", "[narrate][step]") {
    test::FakeGate fake;
    std::istringstream in;
    std::ostringstream out;
    SteppingGate gate(fake, in, out);
    CHECK(gate.enter(config_map()).error == ECANCELED);
    CHECK(gate.has_quit());
    CHECK(fake.log().empty());
}

TEST_CASE("stepping disassembles a program's first instructions", "[narrate][step]") {
    test::FakeGate fake;
    std::istringstream in("\n");
    std::ostringstream out;
    SteppingGate gate(fake, in, out, {.insn_limit = 2});
    const std::array<bpf_insn, 3> insns = {bpf_insn{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 0},
                                           bpf_insn{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 1, .imm = 7},
                                           bpf_insn{.code = BPF_JMP | BPF_EXIT}};
    gate.enter(ProgLoad{.name = "hello", .type = BPF_PROG_TYPE_TRACEPOINT, .insns = insns, .license = "GPL"});
    CHECK(contains(out.str(), "instructions (3)\n"));
    CHECK(contains(out.str(), "     0  b7 00 00 00 00 00 00 00  r0 = 0"));
    CHECK(contains(out.str(), ".. 1 more\n"));
    CHECK(contains(out.str(), "this program type has no attach type"));
}

TEST_CASE("stepping shows the key and the value that go into a map", "[narrate][step]") {
    test::FakeGate fake;
    std::istringstream in("\n");
    std::ostringstream out;
    SteppingGate gate(fake, in, out);
    const std::array<std::byte, 4> key{};
    gate.enter(MapUpdateElem{.map_fd = 4, .key = key, .value = bytes_of(std::string_view("Hey root!\0\0\0", 12))});
    CHECK(contains(out.str(), "value (12 bytes)\n"));
    CHECK(contains(out.str(), "48 65 79 20 72 6f 6f 74 21 00 00 00              Hey root!..."));
}

TEST_CASE("waiting and reading the trace pipe pass a stepping gate in silence", "[narrate][step]") {
    test::FakeGate fake;
    std::istringstream in("\n");
    std::ostringstream out;
    SteppingGate gate(fake, in, out);
    const int pipe = gate.enter(OpenAt{.path = "/sys/kernel/tracing/trace_pipe", .flags = O_RDONLY}).fd();
    const std::string shown = out.str();
    std::array<std::byte, 16> buffer{};
    gate.enter(Read{.fd = pipe, .buffer = buffer});
    gate.enter(EpollWait{});
    CHECK(out.str() == shown);
    CHECK_FALSE(gate.has_quit());
}

TEST_CASE("stepping shows what is opened by its id, and the descriptors that a program refers to", "[narrate][step]") {
    test::FakeGate fake;
    std::istringstream in("\n\n");
    std::ostringstream out;
    SteppingGate gate(fake, in, out);
    CHECK(gate.enter(GetFdById{.kind = IdKind::btf, .id = 7}).fd() == 3);
    const std::array<int, 2> fd_array{0, 3};
    CHECK(gate.enter(ProgLoad{.name = "hello", .fd_array = fd_array}).fd() == 4);
    CHECK(contains(out.str(), "--- 1. bpf(BPF_BTF_GET_FD_BY_ID): opens the object that has this id\n"));
    CHECK(contains(out.str(), "     0  07 00 00 00                 btf_id=7  "));
    CHECK(contains(out.str(), "descriptor 3 is now BTF with id 7\n"));
    CHECK(contains(out.str(), "  fd_array points to [0, 3]\n"));
}

}  // namespace minibpf
