// The command as its user meets it, as far as no kernel is asked: usage, bad input, plan, inspect.
#include <algorithm>
#include <regex>

#include <tests/catch.hpp>
#include <tests/read_object.hpp>

#include "command.hpp"

using namespace minibpf::test;

namespace {

std::string as_text(const minibpf::Bytes& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string hello_bytes() {
    return as_text(file_bytes(prog("hello.bpf.o")));
}

// A .o with a given content, run through `loader plan`.
Said plan_of(const std::string& content, const std::string& options = "") {
    const TemporaryDirectory directory;
    write_file(directory / "broken.o", content);
    return run(loader() + " plan " + options + " " + (directory / "broken.o").string());
}

}  // namespace

TEST_CASE("every command carries examples in its --help and exits 0", "[cli]") {
    for (const char* command :
         {"", "run", "plan", "step", "inspect", "list", "map", "link", "prog", "test", "probes", "doctor"}) {
        INFO(command);
        const Said said = run(loader() + " " + command + " --help");
        CHECK(said.status == 0);
        CHECK_THAT(said.out, contains("Examples:") && contains("loader "));
        CHECK(said.err.empty());
    }
}

TEST_CASE("a misspelt command is recognised", "[cli]") {
    const Said said = run(loader() + " pan " + prog("hello.bpf.o"));
    CHECK(said.status == 2);
    CHECK_THAT(said.err, contains("did you mean the command 'plan'?"));
}

TEST_CASE("options may stand before OBJECT", "[cli]") {
    const std::string object = prog("hello.bpf.o");
    for (const char* options :
         {"--program hello", "--attach hello=tracepoint:syscalls/sys_enter_execve", "--type xdp"}) {
        INFO(options);
        const Said said = run(loader() + " plan " + options + " " + object + " -c true");
        CHECK(said.status == 0);
    }
}

TEST_CASE("output that cannot be written is an error", "[cli]") {
    for (const char* command : {"plan ", "inspect "}) {
        INFO(command);
        const Said said = run(loader() + " " + command + prog("hello.bpf.o") + " >/dev/full");
        CHECK(said.status != 0);
        CHECK_THAT(said.err, contains("writing standard output"));
    }
}

TEST_CASE("a trace that cannot be written is an error", "[cli]") {
    const Said said = run(loader() + " plan --trace=/dev/full " + prog("hello.bpf.o"));
    CHECK(said.status == 2);
    CHECK_THAT(said.err, contains("writing the trace"));
}

TEST_CASE("wrong usage exits 2 and says what was wrong", "[cli]") {
    for (const char* arguments : {"--no-such-option x.o", "run", "plan a.o b.o", "run x.o --duration soon",
                                  "run x.o --count 0", "run x.o --attr-size huge"}) {
        INFO(arguments);
        const Said said = run(loader() + " " + arguments);
        CHECK(said.status == 2);
        CHECK_FALSE((said.err + said.out).empty());
    }
}

TEST_CASE("a file that does not exist exits 2 and names it", "[cli]") {
    const Said said = run(loader() + " /nowhere/prog.o");
    CHECK(said.status == 2);
    CHECK_THAT(said.err, contains("/nowhere/prog.o") && contains("ENOENT"));
}

TEST_CASE("a file that is no ELF exits 3", "[cli]") {
    const Said said = plan_of("just some text, long enough to be read as a header of sixty-four bytes\n");
    CHECK(said.status == 3);
    CHECK_THAT(said.err, contains("ELF"));
}

TEST_CASE("an ELF file for another machine exits 3 and names the machine", "[cli]") {
    const Said said = run(loader() + " plan /bin/sh");
    CHECK(said.status == 3);
    CHECK_THAT(said.err, contains("x86-64"));
}

TEST_CASE("an object that is cut short anywhere exits 3", "[cli]") {
    const std::string whole = hello_bytes();
    for (std::size_t size = 0; size < whole.size(); size += 97) {
        INFO(size << " of " << whole.size() << " bytes");
        const Said said = plan_of(whole.substr(0, size));
        CHECK(said.status == 3);
        CHECK_THAT(said.err, contains("broken.o"));
    }
}

TEST_CASE("an unknown section name exits 3 with the nearest known one", "[cli]") {
    std::string bytes = hello_bytes();
    const std::string known = "tracepoint/syscalls/sys_enter_execve";
    for (std::size_t at = bytes.find(known); at != std::string::npos; at = bytes.find(known, at))
        bytes.replace(at, 10, "tracepiont");
    const Said said = plan_of(bytes);
    CHECK(said.status == 3);
    CHECK_THAT(said.err, contains("tracepiont") && contains("tracepoint"));
}

TEST_CASE("a map that does not exist in --update exits 3 with the nearest one", "[cli]") {
    const Said said =
        run(loader() + " plan " + prog("chapter4/hello_buffer_config_raw_tp.bpf.o") + " --update 'confg[0]=\"x\"'");
    CHECK(said.status == 3);
    CHECK_THAT(said.err, contains("confg") && contains("config"));
}

TEST_CASE("a value that does not fit its type exits 2 and names the map and the type", "[cli]") {
    const std::string plan = loader() + " plan " + prog("chapter4/hello_buffer_config_raw_tp.bpf.o") + " --update ";
    const Said too_long = run(plan + "'config[0]=\"Hello, how are you?\"'");
    CHECK(too_long.status == 2);
    CHECK_THAT(too_long.err, contains("config") && contains("12"));
    const Said too_large = run(plan + "'config[4294967296]=\"x\"'");
    CHECK(too_large.status == 2);
    const Said no_form = run(plan + "'config 0 x'");
    CHECK(no_form.status == 2);
    CHECK_THAT(no_form.err, contains("MAP[KEY]=VALUE"));
}

TEST_CASE("a type that the BTF does not have exits 3 in --events", "[cli]") {
    const Said said =
        run(loader() + " plan " + prog("chapter4/hello_buffer_config_raw_tp.bpf.o") + " --events output:dat_t");
    CHECK(said.status == 3);
    CHECK_THAT(said.err, contains("dat_t"));
}

namespace {

// The calls that a plan with two users' messages makes, of those that chapter 4 counts: each by its name and, of bpf()
// and ioctl(), what it asks for. Those of the object's own file and of the end are left out.
std::vector<std::string> planned_calls(const std::string& object, Said& said) {
    said = run(loader() + " plan --trace --attr-size book " + prog(object) +
               " --update 'config[0]=\"Hey root!\"' --update 'config[1000]=\"Hi!\"'");
    CHECK(said.status == 0);
    std::vector<std::string> calls;
    static const std::regex counted(R"(^(bpf\(\w+|perf_event_open|ioctl\(\d+, \w+|mmap|epoll_\w+))");
    for (const std::string& line : lines_of(said.out)) {
        std::smatch match;
        if (!std::regex_search(line, match, counted)) continue;
        CHECK_THAT(line, contains("(DRY RUN)"));
        calls.push_back(std::regex_replace(match.str(1), std::regex(R"(\(\d+, )"), "("));
    }
    return calls;
}

using Calls = std::vector<std::string>;

Calls first(const Calls& calls, std::size_t count) {
    REQUIRE(calls.size() >= count);
    return Calls(calls.begin(), calls.begin() + static_cast<std::ptrdiff_t>(count));
}

// Of chapter 4's kprobe, from the load to the two messages.
const Calls kprobe_and_updates = {
    "bpf(BPF_BTF_LOAD",       "bpf(BPF_MAP_CREATE",           "bpf(BPF_MAP_CREATE",          "bpf(BPF_PROG_LOAD",
    "perf_event_open",        "ioctl(PERF_EVENT_IOC_SET_BPF", "ioctl(PERF_EVENT_IOC_ENABLE", "bpf(BPF_MAP_UPDATE_ELEM",
    "bpf(BPF_MAP_UPDATE_ELEM"};

// Of each CPU's perf buffer.
const Calls cpu_group = {"perf_event_open", "mmap", "ioctl(PERF_EVENT_IOC_ENABLE", "bpf(BPF_MAP_UPDATE_ELEM"};

Calls operator+(Calls left, const Calls& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

}  // namespace

TEST_CASE("plan prints strace's lines marked DRY RUN, in the order of chapter 4", "[cli]") {
    Said said;
    const Calls calls = planned_calls("chapter4/hello_buffer_config_raw_tp.bpf.o", said);
    const Calls expected = Calls{"bpf(BPF_BTF_LOAD",       "bpf(BPF_MAP_CREATE",          "bpf(BPF_MAP_CREATE",
                                 "bpf(BPF_PROG_LOAD",      "bpf(BPF_RAW_TRACEPOINT_OPEN", "bpf(BPF_MAP_UPDATE_ELEM",
                                 "bpf(BPF_MAP_UPDATE_ELEM"} +
                           cpu_group;
    CHECK(first(calls, expected.size()) == expected);
    CHECK_THAT(
        said.out,
        contains("bpf(BPF_RAW_TRACEPOINT_OPEN, {raw_tracepoint={name=\"sys_enter\", prog_fd=6}}, 128) = 7 (DRY RUN)"));
}

TEST_CASE("plan attaches chapter 4's kprobe before it fills the map, and opens a perf buffer for each CPU behind it",
          "[cli]") {
    Said said;
    const Calls calls = planned_calls("chapter4/hello_buffer_config.bpf.o", said);
    Calls expected = kprobe_and_updates;
    const auto opened = std::count(calls.begin(), calls.end(), std::string("perf_event_open"));
    REQUIRE(opened >= 2);  // the kprobe's, and one for each CPU
    for (auto cpus = opened - 1; cpus > 0; --cpus) expected = expected + cpu_group;
    expected.push_back("epoll_create1");
    expected.insert(expected.end(), static_cast<std::size_t>(opened - 1), "epoll_ctl");
    CHECK(calls == expected);
}

TEST_CASE("plan maps chapter 4's ring buffer twice, and opens nothing for each CPU", "[cli]") {
    Said said;
    const Calls calls = planned_calls("chapter4/hello_ring_buffer_config.bpf.o", said);
    const Calls expected = kprobe_and_updates + Calls{"mmap", "mmap", "epoll_create1", "epoll_ctl"};
    CHECK(calls == expected);
}

TEST_CASE("plan gives each call its reason", "[cli]") {
    const Said said = run(loader() + " plan " + prog("chapter4/hello_buffer_config_raw_tp.bpf.o"));
    CHECK(said.status == 0);
    CHECK_THAT(said.out, contains("# `config` is created because hello refers to it in instruction"));
}

TEST_CASE("inspect shows sections, programs, maps, variables and BTF", "[cli]") {
    const Said said = run(loader() + " inspect --disasm --relocations --btf " + prog("chapter3/hello.bpf.o"));
    CHECK(said.status == 0);
    CHECK_THAT(said.out, contains("SECTIONS") && contains("hello: SEC(\"xdp\"), type xdp") &&
                             contains(".bss: data section as array map `hello.bss`, 4 bytes") &&
                             contains("int counter = 0") && contains("call bpf_trace_printk#6") &&
                             contains("map[fd:") && contains("license: \"Dual MIT/GPL\""));
}

TEST_CASE("an object of the other byte order is shown and planned, and not run", "[cli]") {
    const std::string object = (build_dir() / "tests/data/variables.foreign.o").string();
    const Said inspected = run(loader() + " inspect --disasm --relocations --btf " + object);
    CHECK(inspected.status == 0);
    CHECK_THAT(inspected.out, contains("hello: SEC(\"raw_tp/sys_enter\")") && contains("limit = 7") &&
                                  contains("greeting = \"Hello\"") && contains("map[fd:") && contains("r0 = 0") &&
                                  contains("DATASEC") && contains("WARNING: compiled for"));
    const Said planned = run(loader() + " plan " + object);
    CHECK(planned.status == 0);
    CHECK_THAT(planned.out, contains("BPF_PROG_LOAD"));
    CHECK_THAT(planned.err, contains("compiled for"));
    for (const char* command : {"run ", "step "}) {
        INFO(command);
        const Said said = run("echo c | " + loader() + " " + command + object);  // step's answer: run on
        CHECK(said.status == 3);
        CHECK_THAT(said.err, contains("endian machines, and this one is") && contains("clang -target bpf"));
    }
}

TEST_CASE("inspect disassembles raw instructions", "[cli]") {
    const Said said = run(loader() + " inspect --type tracepoint " + prog("smallest.text"));
    CHECK(said.status == 0);
    CHECK_THAT(said.out, contains("smallest: type tracepoint, 8 instructions") && contains("7: exit"));
    const Said without_type = run(loader() + " inspect " + prog("smallest.text"));
    CHECK(without_type.status == 3);
    CHECK_THAT(without_type.err, contains("raw instructions need --type"));
}

TEST_CASE("an object can come from standard input", "[cli]") {
    const Said said = run("cat " + prog("hello.bpf.o") + " | " + loader() + " plan -");
    CHECK(said.status == 0);
    CHECK_THAT(said.out, contains("BPF_PROG_LOAD"));
}

namespace {

// clang, as the loader calls it for `file`: what it says of that.
Said clang_says(const std::string& file, const std::string& flags = "") {
    const std::string machine = lines_of(run("uname -m").out).at(0);
    return run("clang -g -O2 -Wall -target bpf -I" + (source_dir() / "progs/include").string() +
               " -idirafter /usr/include/" + machine + "-linux-gnu " + flags + " -c " + file + " -o /dev/null");
}

}  // namespace

TEST_CASE("a .bpf.c is compiled first, and clang's complaints are shown as they are", "[cli]") {
    const TemporaryDirectory directory;
    const std::string file = (directory / "pass.bpf.c").string();
    const std::string begin =
        "#include \"minibpf_helpers.h\"\nchar LICENSE[] SEC(\"license\") = \"GPL\";\nSEC(\"xdp\") int pass(void "
        "*ctx) { ";
    const auto plan = [&](const std::string& body, const std::string& options = "") {
        write_file(file, begin + body + " }\n");
        return run(loader() + " plan --no-attach " + file + options);
    };
    const Said good = plan("return 2;");
    CHECK(good.status == 0);
    CHECK(good.err.empty());

    // A warning comes before anything else, and the program is planned all the same.
    const Said warned = plan("int unused; return 2;");
    const Said clangs_warning = clang_says(file);
    CHECK(clangs_warning.status == 0);
    CHECK_THAT(clangs_warning.err, contains("warning: unused variable 'unused'"));
    CHECK(warned.status == 0);
    CHECK(warned.err == clangs_warning.err);
    CHECK_THAT(warned.out, contains("BPF_PROG_LOAD"));

    const Said refused = plan("return undeclared;");
    const Said clangs_error = clang_says(file);
    CHECK(clangs_error.status != 0);
    CHECK_THAT(clangs_error.err, contains("undeclared identifier 'undeclared'"));
    CHECK(refused.status == 3);
    CHECK(refused.out.find("bpf(") == std::string::npos);
    // What the loader has to say is behind it.
    CHECK(refused.err.substr(0, clangs_error.err.size()) == clangs_error.err);
    CHECK(refused.err.substr(std::min(refused.err.size(), clangs_error.err.size()))
              .starts_with("loader: compiling " + file));

    // Flags are clang's.
    const Said flagged = plan("return undeclared;", " --cflags=-Dundeclared=2 --cflags=-Wno-all");
    CHECK(flagged.status == 0);
    CHECK(flagged.err.empty());
}

TEST_CASE("raw instructions need no ELF, and must be whole instructions", "[cli]") {
    const std::string options = " --type tracepoint --attach tracepoint:syscalls/sys_enter_execve ";
    const Said said = run(loader() + " plan --trace" + options + prog("smallest.text"));
    CHECK(said.status == 0);
    CHECK_THAT(said.out, contains("prog_type=BPF_PROG_TYPE_TRACEPOINT, insn_cnt=8"));
    CHECK(plan_of("123", options).status == 3);
    CHECK(plan_of(std::string(8'000'008, '\0'), options).status == 3);
}
