// What a load is told on the command line: which programs, which maps, which variables, which other programs; and what
// it says of those that it left out. On the running kernel.
#include <filesystem>
#include <regex>

#include <libminibpf/elf/elf_file.hpp>
#include <libminibpf/kernel/live_gate.hpp>
#include <libminibpf/load/loader.hpp>
#include <tests/catch.hpp>
#include <tests/read_object.hpp>
#include <tests/skip.hpp>

#include "command.hpp"

using namespace minibpf::test;

namespace {

void need_root() {
    require_prerequisite(geteuid() == 0, "root");
}

std::string test_object(const std::string& name) {
    return (build_dir() / "tests/data" / (name + ".bpf.o")).string();
}

/// The command's calls for `loader --no-attach OPTIONS OBJECT`.
Said load_only(const std::string& options, const std::string& object) {
    return run(loader() + " --no-attach " + options + " " + test_object(object));
}

struct TestPins {
    std::string path = "/sys/fs/bpf/minibpf_cli_" + std::to_string(getpid());
    ~TestPins() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
};

}  // namespace

TEST_CASE("a map is changed on the command line before it is created", "[cli][kernel]") {
    need_root();
    const Said said = load_only(
        "--trace --map counts.type=lru_hash --map counts.max_entries=1K --map counts.value_size=16 "
        "--map counts.map_flags=0x0 --map counts.numa_node=0",
        "legacy_maps");
    CHECK(said.status == 0);
    CHECK_THAT(said.err, contains("{map_type=BPF_MAP_TYPE_LRU_HASH, key_size=8, value_size=16, max_entries=1024, "
                                  "map_flags=BPF_F_NUMA_NODE"));
    const TestPins pins;
    const Said extra = load_only(
        "--trace --map bloom.map_extra=5 --map a_map_with_a_long_name.numa_node=0 "
        "--pin-directory " +
            pins.path,
        "maps");
    CHECK(extra.status == 0);
    CHECK_THAT(extra.err, contains("map_type=BPF_MAP_TYPE_BLOOM_FILTER"));
    CHECK_THAT(extra.err, contains("map_extra=5"));
    const Said larger = load_only("--trace --map .data.config.value_size=4K", "variables");
    CHECK(larger.status == 0);
    CHECK_THAT(larger.err, contains("value_size=4096"));
}

TEST_CASE("a map is pinned by a name of the command line, and found there by the next load", "[cli][kernel]") {
    need_root();
    const TestPins pins;
    const std::string options = "--pin-directory " + pins.path + " --map counts.pin=folder/mine";
    const Said first = load_only(options, "legacy_maps");
    CHECK(first.status == 0);
    CHECK(std::filesystem::exists(pins.path + "/folder/mine"));
    const Said second = load_only(options, "legacy_maps");
    CHECK(second.status == 0);
    CHECK_THAT(second.err, contains("map 'counts' is the one pinned at " + pins.path + "/folder/mine"));
    const Said other = load_only("-q " + options + " --map counts.max_entries=5", "legacy_maps");
    CHECK(other.status == 3);
    CHECK_THAT(other.err, contains("max_entries=100 instead of 5"));
}

TEST_CASE("a change that no map can take is wrong usage, and one of an unknown map names the nearest", "[cli]") {
    const auto complaint = [](const std::string& change, int status) {
        const Said said = run(loader() + " plan -q --map " + change + " " + test_object("legacy_maps"));
        INFO(said.err);
        CHECK(said.status == status);
        return said.err;
    };
    CHECK_THAT(complaint("counts.max_entries", 2), contains("MAP.FIELD=VALUE"));
    CHECK_THAT(complaint("counts=5", 2), contains("MAP.FIELD=VALUE"));
    CHECK_THAT(complaint("counts.max_entries=many", 2), contains("no number"));
    CHECK_THAT(complaint("counts.max_entries=0x100000000", 2), contains("32 bits"));
    CHECK_THAT(complaint("counts.entries=5", 2), contains("no field 'entries'") && contains("max_entries"));
    CHECK_THAT(complaint("counts.type=hsah", 2), contains("'hash'"));
    CHECK_THAT(complaint("count.max_entries=5", 3), contains("'counts'"));
    CHECK_THAT(run(loader() + " plan -q --map .bss.value_size=5 " + test_object("variables")).err,
               contains("its variables take 42 bytes"));
    const Said raw = run(loader() + " plan -q --type tracepoint --map counts.max_entries=5 " + prog("smallest.text"));
    CHECK(raw.status == 3);
    CHECK_THAT(raw.err, contains("'counts'"));
}

TEST_CASE("only the programs that are named are loaded, optional ones too", "[cli][kernel]") {
    need_root();
    const Said all = load_only("--trace", "programs");
    const auto loads = [](const Said& said, const std::string& program) {
        return said.err.find("prog_name=\"" + program + "\"") != std::string::npos;
    };
    CHECK_FALSE(loads(all, "optional_one"));
    const Said one = load_only("--trace --program with_callback", "programs");
    CHECK(one.status == 0);
    CHECK(loads(one, "with_callback"));
    CHECK_FALSE(loads(one, "first"));
    CHECK_FALSE(loads(one, "second"));
    CHECK(loads(load_only("--trace --program optional_one --keep-going", "programs"), "optional_one"));
}

TEST_CASE("variables of every data section are set before the load and shown after it", "[cli][kernel]") {
    need_root();
    const Said said = load_only(
        "-q --set limit=9 --set 'greeting=\"Hi\"' --set counter=3 --set step=-2 --set configured=8 "
        "--set 'array_of_counters={1,2}' --show .rodata --show .bss --show .data --show .data.config",
        "variables");
    INFO(said.err);
    CHECK(said.status == 0);
    CHECK_THAT(said.out, contains("limit=9") && contains("greeting=\"Hi\""));
    CHECK_THAT(said.out, contains("counter=3") && contains("array_of_counters={1, 2, 0, 0}"));
    CHECK_THAT(said.out, contains("step=-2") && contains("configured=8"));
}

TEST_CASE("a run that keeps going sums up what it left out, and why", "[cli][kernel]") {
    need_root();
    const Said said = run(loader() + " -q -k -c true " + test_object("keep_going"));
    CHECK(said.status == 0);
    CHECK_THAT(said.err, contains("2 of 3 programs were left out"));
    CHECK(std::regex_search(said.err, std::regex("without_hook +not loaded +.*no_kernel_has_this_function")));
    CHECK(std::regex_search(said.err, std::regex("refused +not loaded +.*EACCES")));
    const Said all = run(loader() + " -q -c true " + test_object("keep_going"));
    CHECK(all.status == 3);
    const Said none =
        run(loader() + " -q -k --program without_hook --program refused -c true " + test_object("keep_going"));
    CHECK(none.status == 3);
    CHECK_THAT(none.err, contains("none of the 2 programs could be loaded"));
}

TEST_CASE("a program without its hook does not spoil the attaching of others", "[cli][kernel]") {
    need_root();
    const Said said = run(loader() + " -q -k -c true " + test_object("missing_hooks"));
    INFO(said.err);
    CHECK(said.status == 0);
    CHECK(std::regex_search(said.err, std::regex("nowhere +not attached +.*no_such_tracepoint")));
    CHECK_THAT(said.err, contains("1 of 2 programs"));
    CHECK_THAT(said.out, contains("somewhere"));
    const Said asked = run(loader() + " -q -k -c true --attach nowhere=tracepoint:syscalls/nor_this_one " +
                           test_object("missing_hooks"));
    CHECK(asked.status == 0);
    CHECK(std::regex_search(asked.err, std::regex("nowhere +not attached +.*nor_this_one")));
    CHECK_THAT(asked.out, contains("somewhere"));
    CHECK(run(loader() + " -q -c true " + test_object("missing_hooks")).status == 3);
}

TEST_CASE("a program is tied to another one by its pin or its id", "[cli][kernel]") {
    need_root();
    const Said nobody = load_only("-q", "replacement");
    CHECK(nobody.status == 2);
    CHECK_THAT(nobody.err, contains("--target PROGRAM=ID"));
    const Said wrong = load_only("-q --target replacement=4294967295", "replacement");
    CHECK(wrong.status == 1);
    CHECK_THAT(wrong.err, contains("4294967295") && contains("ENOENT"));
    const Said missing = load_only("-q --target replacement=/sys/fs/bpf/no/such/pin", "replacement");
    CHECK_THAT(missing.err, contains("/sys/fs/bpf/no/such/pin") && contains("ENOENT"));
    CHECK(load_only("-q --target replacement", "replacement").status == 2);
}

TEST_CASE("a program takes the place of a function in the program whose id or pin is given", "[cli][kernel]") {
    need_root();
    skip_unless_kernel_has("trampolines", load_only("-q --program fentry_", "every_section").status == 0);
    const TestPins pins;
    minibpf::LiveGate gate;
    const minibpf::Object target = minibpf::load(gate, object_spec("tests/data/replaced.bpf.o"));
    bpf_prog_info info{};
    const auto bytes = std::as_writable_bytes(std::span<bpf_prog_info, 1>(&info, 1));
    REQUIRE(gate.enter(minibpf::ObjGetInfoByFd{.bpf_fd = target.programs()[0].fd(), .info = bytes}).ok());
    std::filesystem::create_directory(pins.path);
    const std::string pin = pins.path + "/entry";
    REQUIRE(gate.enter(minibpf::ObjPin{.pathname = pin, .bpf_fd = target.programs()[0].fd()}).ok());
    for (const std::string& name : {std::to_string(info.id), pin}) {
        const Said said = load_only("--trace --target replacement=" + name, "replacement");
        INFO(said.err);
        CHECK(said.status == 0);
        CHECK_THAT(said.err, contains("prog_type=BPF_PROG_TYPE_EXT"));
    }
}

TEST_CASE("old and loose section names are loaded, with a warning that says what to write", "[cli][kernel]") {
    need_root();
    const Said said = load_only("", "old_sections");
    INFO(said.err);
    CHECK(said.status == 0);
    CHECK_THAT(said.err, contains("SEC(\"classifier\")") && contains("SEC(\"tc\")"));
    CHECK_THAT(said.err, contains("SEC(\"xdp_pass\")") && contains("SEC(\"xdp\")"));
    CHECK_THAT(said.err, contains("SEC(\"socket/x\")") && contains("SEC(\"socket\")"));
}

TEST_CASE("what is wrong with an object is told with its names, and the exit status says whose turn it is",
          "[cli][kernel]") {
    need_root();
    struct Case {
        const char* object;
        int status;
        std::vector<std::string> words;
    };
    const Case cases[] = {
        {"unknown_member", 3, {"map 'counts'", "'max_entrys'"}},
        {"conflicting_sizes", 3, {"map 'counts'"}},
        {"wrong_values", 3, {"map 'programs'", "'subprogram'", "not a program"}},
        {"missing_ksym", 3, {"bpf_rcu_read_lokc"}},
        {"recursion", 1, {"program 'itself'", "'down' calls itself"}},
    };
    for (const Case& wrong : cases) {
        const Said said = load_only("-q", wrong.object);
        INFO(wrong.object << ": " << said.err);
        CHECK(said.status == wrong.status);
        for (const std::string& word : wrong.words) CHECK_THAT(said.err, contains(word));
    }
}

TEST_CASE("a map without keys is not shown, and says so", "[cli][kernel]") {
    need_root();
    for (const char* name : {"queue", "stack"}) {
        const Said said = load_only(std::string("-q --keep-going --show ") + name, "every_map_type");
        INFO(said.err);
        CHECK(said.status == 2);
        CHECK_THAT(said.err, contains(std::string("--show ") + name + ": a " + name + " has no keys"));
    }
}

TEST_CASE("types from a file are the same raw and in ELF, and a bad file is named", "[cli]") {
    const TemporaryDirectory directory;
    const std::string elf = test_object("core_kernel");
    const auto plan = [&](const std::string& file) {
        const Said said = run(loader() + " plan --btf " + file + " " + test_object("core_local"));
        return Said{.status = said.status,
                    .out = std::regex_replace(said.out, std::regex("0x[0-9a-f]+|openat[^\n]*\n|read\\([^\n]*\n"), ""),
                    .err = said.err};
    };
    const minibpf::Bytes object = file_bytes(elf);
    const minibpf::ByteView section = minibpf::elf::require_section(object, elf, ".BTF");
    const std::string raw(reinterpret_cast<const char*>(section.data()), section.size());
    const std::string file = (directory / "kernel.btf").string();
    write_file(file, raw);
    const Said by_elf = plan(elf), by_raw = plan(file);
    CHECK(by_elf.status == 0);
    CHECK(by_raw.status == 0);
    CHECK_THAT(by_raw.out, contains("BPF_PROG_LOAD"));
    CHECK(by_raw.out == by_elf.out);

    const std::string bad = (directory / "bad").string();
    for (const std::string& content : {std::string(), raw.substr(0, 100), text_file(elf).substr(0, 1000),
                                       text_file(build_dir() / "progs/smallest.bpf.o"), std::string("no types\n")}) {
        write_file(bad, content);
        const Said said = plan(bad);
        INFO(content.size() << " bytes: " << said.err);
        CHECK(said.status == 3);
        CHECK_THAT(said.err, contains(bad + ": "));
    }
    const Said missing = plan((directory / "missing").string());
    CHECK(missing.status == 2);
    CHECK_THAT(missing.err, contains("missing") && contains("ENOENT"));
}
