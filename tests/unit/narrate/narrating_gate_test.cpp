#include <tests/catch.hpp>

#include <array>
#include <cerrno>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include <fcntl.h>
#include <linux/perf_event.h>

#include <libminibpf/narrate/dry_run_gate.hpp>
#include <libminibpf/narrate/failing_gate.hpp>
#include <libminibpf/narrate/narrating_gate.hpp>
#include <tests/fake_gate.hpp>

namespace minibpf {

namespace {

// A sink that keeps the lines.
struct Lines {
    std::vector<std::string> kept;
    Sink sink() {
        return [this](std::string_view line) { kept.emplace_back(line); };
    }
};

// A kernel whose every file has this many pieces of 100 bytes.
struct FileGate final : KernelGate {
    explicit FileGate(int count) : pieces(count) {}
    using KernelGate::enter;
    Answer enter(const Syscall& call, const Reason&) noexcept override {
        if (!std::holds_alternative<Read>(call)) return {.value = 0};
        return {.value = pieces-- > 0 ? 100 : 0};
    }
    int pieces;
};

std::size_t lines_of_reading(int pieces, const NarrationOptions& options, Lines& lines) {
    FileGate file(pieces);
    NarratingGate gate(file, lines.sink(), options);
    std::array<std::byte, 128> buffer{};
    while (gate.enter(Read{.fd = 3, .buffer = buffer}).value > 0) {
    }
    gate.enter(Close{.fd = 3});
    return lines.kept.size();
}

}  // namespace

TEST_CASE("of a long file's reads the first two and the last are told", "[narrate]") {
    Lines lines;
    REQUIRE(lines_of_reading(1300, {}, lines) == 5);
    CHECK(lines.kept[1].starts_with("read(3, "));
    CHECK(lines.kept[1].ends_with(" = 100"));
    CHECK(lines.kept[2] == "# 1298 more reads of it, 129800 bytes");
    CHECK(lines.kept[3].starts_with("read(3, \"\", 128)"));
    CHECK(lines.kept[4].starts_with("close(3)"));
    Lines all;
    CHECK(lines_of_reading(1300, {.reasons = false}, all) == 1302);  // strace's lines, every one
    Lines few;
    CHECK(lines_of_reading(2, {}, few) == 4);
}

TEST_CASE("a call is narrated by its reason and the line that strace prints", "[narrate]") {
    test::FakeGate fake;
    Lines lines;
    NarratingGate gate(fake, lines.sink());
    gate.enter(
        MapCreate{.name = "config", .type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 12, .max_entries = 10240},
        "`config` is created because hello refers to it in instruction 12");
    gate.enter(Close{.fd = 3});
    CHECK(lines.kept ==
          std::vector<std::string>{
              "# `config` is created because hello refers to it in instruction 12",
              "bpf(BPF_MAP_CREATE, {map_type=BPF_MAP_TYPE_HASH, key_size=4, value_size=12, max_entries=10240, "
              "map_flags=0, inner_map_fd=0, map_name=\"config\", map_ifindex=0, btf_fd=0, btf_key_type_id=0, "
              "btf_value_type_id=0, btf_vmlinux_value_type_id=0, map_extra=0}, 72) = 3",
              "close(3)                                = 0",
          });
}

TEST_CASE("without reasons the narration is strace's lines and nothing else", "[narrate]") {
    test::FakeGate fake;
    Lines lines;
    NarratingGate gate(fake, lines.sink(), {.reasons = false});
    gate.enter(EpollCreate{}, "to wait for events of several CPUs");
    CHECK(lines.kept == std::vector<std::string>{"epoll_create1(EPOLL_CLOEXEC)            = 3"});
}

TEST_CASE("the explanation says that BPF_CGROUP_INET_INGRESS is merely 0", "[narrate]") {
    test::FakeGate fake;
    Lines lines;
    NarratingGate gate(fake, lines.sink(), {.explain = true});
    gate.enter(ProgLoad{.name = "hello", .type = BPF_PROG_TYPE_KPROBE, .license = "GPL"});
    REQUIRE(lines.kept.size() == 3);
    CHECK(lines.kept[1].find("    hands the instructions to the verifier") == 0);
    CHECK(lines.kept[2] ==
          "    expected_attach_type=BPF_CGROUP_INET_INGRESS: merely 0, which happens to be "
          "BPF_CGROUP_INET_INGRESS's number: this program type has no attach type");
    lines.kept.clear();
    gate.enter(ProgLoad{.name = "filter", .type = BPF_PROG_TYPE_CGROUP_SKB, .license = "GPL"});
    CHECK(lines.kept.size() == 2);  // here the name is right
}

TEST_CASE("what the kernel never heard of is marked", "[narrate]") {
    test::FakeGate fake;
    Lines lines;
    FailingGate failing(fake, 0, EPERM);
    NarratingGate gate(failing, lines.sink());
    gate.enter(MapFreeze{.map_fd = 4});
    CHECK(lines.kept.back() ==
          "bpf(BPF_MAP_FREEZE, {map_fd=4}, 4)      = -1 EPERM (Operation not permitted) (INJECTED)");
    DryRunGate dry(fake);
    NarratingGate plan(dry, lines.sink());
    plan.enter(EpollCreate{});
    CHECK(lines.kept.back() == "epoll_create1(EPOLL_CLOEXEC)            = 3 (DRY RUN)");
}

TEST_CASE("waiting and reading the trace pipe are not narrated", "[narrate]") {
    test::FakeGate fake;
    Lines lines;
    NarratingGate gate(fake, lines.sink());
    const int pipe = gate.enter(OpenAt{.path = "/sys/kernel/tracing/trace_pipe", .flags = O_RDONLY}).fd();
    std::array<std::byte, 16> buffer{};
    gate.enter(Read{.fd = pipe, .buffer = buffer});
    gate.enter(EpollWait{});
    CHECK(lines.kept.size() == 1);
    gate.enter(Close{.fd = pipe});
    fake.files["hello.o"] = "\177ELF";
    const int object = gate.enter(OpenAt{.path = "hello.o", .flags = O_RDONLY}).fd();
    CHECK(object == pipe);
    gate.enter(Read{.fd = object, .buffer = buffer});
    CHECK(lines.kept.back() == "read(3, \"\\177ELF\", 16)                  = 4");
}

TEST_CASE("a sink that throws does not keep a call from being made", "[narrate]") {
    test::FakeGate fake;
    NarratingGate gate(fake, [](std::string_view) { throw std::runtime_error("the disk is full"); });
    CHECK(gate.enter(MapCreate{}).fd() == 3);
    CHECK(gate.enter(Close{.fd = 3}).ok());
    CHECK(fake.open_fds().empty());
}

TEST_CASE("colours are for terminals: faint reasons, red errors", "[narrate]") {
    test::FakeGate fake;
    Lines lines;
    NarratingGate gate(fake, lines.sink(), {.color = true});
    gate.enter(Close{.fd = 9}, "nobody needs it");
    CHECK(lines.kept == std::vector<std::string>{
                            "\033[2m# nobody needs it\033[0m",
                            "\033[31mclose(9)                                = -1 EBADF (Bad file descriptor)\033[0m"});
}

TEST_CASE("a file sink writes each line at once", "[narrate]") {
    std::FILE* file = std::tmpfile();
    REQUIRE(file != nullptr);
    const FileSink sink(file);
    sink("close(3)                                = 0");
    std::array<char, 64> text{};
    std::rewind(file);
    REQUIRE(std::fgets(text.data(), text.size(), file) != nullptr);
    CHECK(std::string(text.data()) == "close(3)                                = 0\n");
    std::fclose(file);
}

}  // namespace minibpf
