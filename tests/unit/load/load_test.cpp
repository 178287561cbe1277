// Loading against a kernel that is a test's own: the order of the calls, what happens when one is refused, and that
// nothing stays open.

#include <tests/catch.hpp>
#include <tests/error_of.hpp>
#include <tests/fake_gate.hpp>
#include <tests/paths.hpp>
#include <tests/read_object.hpp>

#include <libminibpf/base/error.hpp>
#include <libminibpf/load/loader.hpp>
#include <libminibpf/narrate/failing_gate.hpp>

using namespace minibpf;
using minibpf::test::error_of;
using minibpf::test::FakeGate;
using minibpf::test::object_spec;

namespace {

// The verifier of FakeGate refuses with EACCES, and writes `log` as far as it fits.
void reject_programs(FakeGate& gate, const std::string& log) {
    gate.on<ProgLoad>([log](const ProgLoad& call) -> std::optional<Answer> {
        if (call.log.empty()) return FakeGate::failure(EACCES);
        const std::size_t fits = std::min(log.size(), call.log.size() - 1);
        std::copy_n(log.begin(), fits, call.log.begin());
        call.log[fits] = '\0';
        return FakeGate::failure(fits < log.size() ? ENOSPC : EACCES);
    });
}

}  // namespace

TEST_CASE("a program with no maps and no BTF is one BPF_PROG_LOAD", "[load]") {
    FakeGate gate;
    ProgramKind kind;
    kind.type = BPF_PROG_TYPE_TRACEPOINT;
    const std::vector<bpf_insn> insns = {{.code = BPF_ALU64 | BPF_MOV | BPF_K}, {.code = BPF_JMP | BPF_EXIT}};
    const Object object = load(gate, parse_raw_instructions(std::as_bytes(std::span(insns)), "two.text", kind, "GPL"));
    CHECK(gate.call_names() == std::vector<std::string>{"bpf(BPF_PROG_LOAD)"});
    CHECK(gate.calls<ProgLoad>()[0]->license == "GPL");
}

TEST_CASE("the smallest object is one BPF_PROG_LOAD too", "[load]") {
    FakeGate gate;
    ObjectSpec spec = object_spec("progs/smallest.bpf.o");
    CHECK_FALSE(spec.btf.has_value());
    spec.programs.at(0).kind.type = BPF_PROG_TYPE_TRACEPOINT;
    const Object object = load(gate, std::move(spec));
    CHECK(gate.call_names() == std::vector<std::string>{"bpf(BPF_PROG_LOAD)"});
}

TEST_CASE("chapter 3's hello is BTF, two data sections and the program", "[load]") {
    FakeGate gate;
    const Object object = load(gate, object_spec("progs/chapter3/hello.bpf.o"));
    CHECK(gate.call_names() == std::vector<std::string>{"bpf(BPF_BTF_LOAD)", "bpf(BPF_MAP_CREATE)",
                                                        "bpf(BPF_MAP_UPDATE_ELEM)", "bpf(BPF_MAP_CREATE)",
                                                        "bpf(BPF_MAP_UPDATE_ELEM)", "bpf(BPF_MAP_FREEZE)",
                                                        "bpf(BPF_PROG_LOAD)"});
    CHECK(gate.calls<MapCreate>()[0]->name == "hello.bss");
    CHECK(gate.calls<MapCreate>()[1]->name == "hello.rodata");
    CHECK(gate.calls<MapFreeze>()[0]->map_fd == 5);
}

TEST_CASE("chapter 4's maps are made in the order of their definitions, then the program that refers to them",
          "[load]") {
    FakeGate gate;
    gate.files["/sys/devices/system/cpu/possible"] = "0-7\n";
    const Object object = load(gate, object_spec("progs/chapter4/hello_buffer_config_raw_tp.bpf.o"));
    const auto maps = gate.calls<MapCreate>();
    REQUIRE(maps.size() == 2);
    CHECK(maps[0]->name == "output");
    CHECK(maps[0]->max_entries == 8);  // one element for each CPU
    CHECK(maps[0]->btf_fd == 0);       // the kernel takes no BTF for this type
    CHECK(maps[1]->name == "config");
    CHECK(maps[1]->btf_fd == 3);
    std::vector<int> map_fds;
    for (const bpf_insn& insn : gate.calls<ProgLoad>()[0]->insns) {
        if (insn.code == (BPF_LD | BPF_DW | BPF_IMM) && insn.src_reg == BPF_PSEUDO_MAP_FD) map_fds.push_back(insn.imm);
    }
    CHECK(map_fds == std::vector<int>{5, 4});  // config is looked up first, then output is written
    CHECK(gate.log().back().answer.fd() == 6);
}

TEST_CASE("each map's creation carries the reason that a reader is told", "[load]") {
    FakeGate gate;
    const Object object = load(gate, object_spec("progs/chapter4/hello_buffer_config_raw_tp.bpf.o"));
    std::string reason;
    for (const auto& recorded : gate.log()) {
        const auto* create = std::get_if<MapCreate>(&recorded.call);
        if (create != nullptr && create->name == "config") reason = recorded.reason;
    }
    CHECK_THAT(reason, test::contains("`config` is created because hello refers to it in instruction"));
}

TEST_CASE("a rejected program is an error with its name, section and the whole verifier log", "[load]") {
    FakeGate gate;
    const std::string log = std::string(300'000, 'x') + "\nR0 !read_ok\nprocessed 1 insns\n";
    reject_programs(gate, log);
    const Error error = error_of([&] { load(gate, object_spec("progs/hello.bpf.o")); });
    CHECK(error.detail().doing == "loading program 'hello' (SEC tracepoint/syscalls/sys_enter_execve)");
    CHECK(error.detail().call == "bpf(BPF_PROG_LOAD)");
    CHECK(error.detail().code == EACCES);
    CHECK(error.detail().kernel_log == log);
    CHECK(error.detail().blame == Blame::kernel);
    CHECK_THAT(error.detail().hint, test::contains("return value"));
    CHECK(gate.count<ProgLoad>() == 3);  // without a log, with 64 KiB, with 1 MiB
    CHECK(gate.open_fds().empty());
}

TEST_CASE("a missing license is named when the verifier asks for one", "[load]") {
    FakeGate gate;
    reject_programs(gate, "cannot call GPL-restricted function from non-GPL compatible program\n");
    ObjectSpec spec = object_spec("progs/hello.bpf.o");
    spec.has_license = false;
    spec.license.clear();
    const Error error = error_of([&] { load(gate, std::move(spec)); });
    CHECK_THAT(error.detail().hint, test::contains("has no section \"license\""));
}

TEST_CASE("without privilege the first refusal ends the load, and says what to do", "[load]") {
    FakeGate gate;
    gate.fail<BtfLoad>(EPERM);
    const Error error = error_of([&] { load(gate, object_spec("progs/hello.bpf.o")); });
    CHECK(error.detail().blame == Blame::facility);
    CHECK_THAT(error.detail().hint, test::contains("run as root"));
    CHECK(gate.call_names() == std::vector<std::string>{"bpf(BPF_BTF_LOAD)", "openat"});  // /proc/self/status
}

TEST_CASE("a kernel that refuses the BTF gets the object without, and the reader is told", "[load]") {
    FakeGate gate;
    gate.fail<BtfLoad>(EINVAL);
    std::vector<std::string> notices;
    LoadOptions options;
    options.notice = [&](const std::string& text) { notices.push_back(text); };
    const Object object = load(gate, object_spec("progs/hello.bpf.o"), options);
    REQUIRE(notices.size() == 1);
    CHECK_THAT(notices[0], test::contains("EINVAL") && test::contains("going on without it"));
    CHECK(gate.calls<ProgLoad>()[0]->prog_btf_fd == 0);
    CHECK(gate.calls<ProgLoad>()[0]->func_info.empty());
}

TEST_CASE("a kernel that refuses a map's types gets the map without", "[load]") {
    FakeGate gate;
    gate.on<MapCreate>([](const MapCreate& call) -> std::optional<Answer> {
        if (call.btf_fd != 0) return FakeGate::failure(524);
        return std::nullopt;
    });
    const Object object = load(gate, object_spec("progs/hello.bpf.o"));
    CHECK(gate.count<MapCreate>() == 2);
}

TEST_CASE("the verifier is asked again when a signal interrupted it", "[load]") {
    FakeGate gate;
    int refusals = 2;
    gate.on<ProgLoad>([&](const ProgLoad&) -> std::optional<Answer> {
        if (refusals-- > 0) return FakeGate::failure(EAGAIN);
        return std::nullopt;
    });
    CHECK(load(gate, object_spec("progs/hello.bpf.o")).programs().size() == 1);
    CHECK(gate.count<ProgLoad>() == 3);
}

TEST_CASE("only the programs that are named are loaded, and a misspelt one is an error before any call", "[load]") {
    FakeGate gate;
    LoadOptions options;
    options.programs = {"helo"};
    const Error error = error_of([&] { load(gate, object_spec("progs/hello.bpf.o"), options); });
    CHECK_THAT(error.what(), test::contains("helo"));
    CHECK_THAT(error.detail().hint, test::contains("hello"));
    CHECK(gate.log().empty());
}

TEST_CASE("a program whose section does not say its type asks for --type", "[load]") {
    FakeGate gate;
    const Error error = error_of([&] { load(gate, object_spec("progs/smallest.bpf.o")); });
    CHECK(error.detail().blame == Blame::usage);
    CHECK_THAT(error.detail().hint, test::contains("--type"));
    CHECK(gate.log().empty());
}

TEST_CASE("when any system call fails, load throws or finds another way, and leaves no descriptor open",
          "[load][fault]") {
    for (const char* path : {"progs/hello.bpf.o", "progs/chapter3/hello.bpf.o", "progs/chapter3/hello_func.bpf.o",
                             "progs/chapter4/hello_buffer_config_raw_tp.bpf.o"}) {
        for (int error : {EPERM, EINVAL, ENOMEM, EMFILE, EAGAIN, ENOSPC}) {
            for (int nth = 0;; ++nth) {
                INFO(path << ", call " << nth << " fails with " << errno_name(error));
                REQUIRE(nth < 100);
                FakeGate gate;
                FailingGate failing(gate, nth, error);
                bool threw = false;
                try {
                    const Object object = load(failing, object_spec(path));
                } catch (const Error& thrown) {
                    threw = true;
                    CHECK(thrown.detail().code == error);
                    CHECK_FALSE(thrown.detail().call.empty());
                }
                CHECK(gate.open_fds().empty());
                CHECK(gate.errors().empty());
                if (!failing.has_failed()) {
                    CHECK_FALSE(threw);
                    break;
                }
            }
        }
    }
}

TEST_CASE("map values by text go by the map's BTF", "[load]") {
    FakeGate gate;
    Object object = load(gate, object_spec("progs/chapter4/hello_buffer_config_raw_tp.bpf.o"));
    Map& config = object.require_map("config");
    config.update("1000", "\"Hey root!\"");
    const MapUpdateElem& call = *gate.calls<MapUpdateElem>().back();
    CHECK(read_at<std::uint32_t>(call.key, 0) == 1000u);
    REQUIRE(call.value.size() == 12);
    CHECK(std::string(reinterpret_cast<const char*>(call.value.data())) == "Hey root!");
}

TEST_CASE("a value that does not fit its type is an error that names the map, and makes no call", "[load]") {
    FakeGate gate;
    Object object = load(gate, object_spec("progs/chapter4/hello_buffer_config_raw_tp.bpf.o"));
    const std::size_t calls = gate.log().size();
    const Error error = error_of([&] { object.require_map("config").update("0", "\"much too long a message\""); });
    CHECK(error.detail().blame == Blame::usage);
    CHECK_THAT(error.what(), test::contains("'config'"));
    CHECK_THROWS_AS(object.require_map("config").update("4294967296", "\"x\""), Error);
    CHECK(gate.log().size() == calls);
}

TEST_CASE("a map that does not exist is an error with the nearest name", "[load]") {
    FakeGate gate;
    Object object = load(gate, object_spec("progs/chapter4/hello_buffer_config_raw_tp.bpf.o"));
    const Error error = error_of([&] { object.require_map("confg"); });
    CHECK_THAT(error.what(), test::contains("confg"));
    CHECK_THAT(error.detail().hint, test::contains("config"));
}
