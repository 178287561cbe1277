#include <tests/catch.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>

#include <libminibpf/kernel/fd.hpp>
#include <libminibpf/narrate/dry_run_gate.hpp>
#include <libminibpf/narrate/failing_gate.hpp>
#include <tests/fake_gate.hpp>

namespace minibpf {

namespace {

// Has no files, and remembers whether anything but opening was asked of it.
class NoFiles final : public KernelGate {
public:
    explicit NoFiles(int error) : error_(error) {}
    using KernelGate::enter;
    Answer enter(const Syscall& call, const Reason&) noexcept override {
        ++calls;
        if (std::holds_alternative<OpenAt>(call)) return {.value = -1, .error = error_};
        return {.value = -1, .error = EBADF};
    }
    int calls = 0;

private:
    int error_;
};

std::string read_text(KernelGate& gate, int fd) {
    std::array<std::byte, 64> buffer{};
    const Answer answer = gate.enter(Read{.fd = fd, .buffer = buffer});
    return std::string(reinterpret_cast<const char*>(buffer.data()), static_cast<std::size_t>(answer.value));
}

}  // namespace

TEST_CASE("a dry run gives the lowest free descriptor, as the kernel does", "[narrate][dry-run]") {
    NoFiles none(EACCES);
    DryRunGate gate(none);
    CHECK(gate.enter(BtfLoad{}).fd() == 3);
    CHECK(gate.enter(MapCreate{}).fd() == 4);
    CHECK(gate.enter(ProgLoad{}).fd() == 5);
    CHECK(gate.enter(Close{.fd = 4}).ok());
    CHECK(gate.enter(PerfEventOpen{}).fd() == 4);
    CHECK(gate.enter(EpollCreate{}).fd() == 6);
    CHECK(gate.open_fds() == std::vector<int>{3, 4, 5, 6});
    CHECK(none.calls == 0);
}

TEST_CASE("a dry run's numbers start where it is told", "[narrate][dry-run]") {
    NoFiles none(EACCES);
    DryRunGate gate(none, 7);
    CHECK(gate.enter(MapCreate{}).fd() == 7);
}

TEST_CASE("what a dry run answers is marked as made up", "[narrate][dry-run]") {
    NoFiles none(EACCES);
    DryRunGate gate(none);
    CHECK(gate.enter(MapCreate{}).origin == Origin::dry_run);
    CHECK(gate.enter(MapFreeze{.map_fd = 3}).origin == Origin::dry_run);
    CHECK(gate.enter(Close{.fd = 3}).origin == Origin::dry_run);
    CHECK(gate.enter(Close{.fd = 3}).error == EBADF);
}

TEST_CASE("a dry run makes up the files that an ordinary user may not read", "[narrate][dry-run]") {
    NoFiles none(GENERATE(EACCES, EPERM, ENOENT));
    DryRunGate gate(none);
    const Answer id =
        gate.enter(OpenAt{.path = "/sys/kernel/tracing/events/syscalls/sys_enter_execve/id", .flags = O_RDONLY});
    REQUIRE(id.ok());
    CHECK(id.origin == Origin::dry_run);
    CHECK(read_text(gate, id.fd()) == "0\n");
    CHECK(read_text(gate, id.fd()).empty());
    const Answer type = gate.enter(OpenAt{.path = "/sys/bus/event_source/devices/kprobe/type", .flags = O_RDONLY});
    REQUIRE(type.ok());
    CHECK(read_text(gate, type.fd()) == "8\n");
}

TEST_CASE("a dry run does not invent objects", "[narrate][dry-run]") {
    NoFiles none(ENOENT);
    DryRunGate gate(none);
    const Answer answer = gate.enter(OpenAt{.path = "missing.o", .flags = O_RDONLY});
    CHECK(answer.error == ENOENT);
    CHECK(answer.origin == Origin::kernel);
    CHECK(gate.open_fds().empty());
}

TEST_CASE("a dry run reads real files under numbers of its own", "[narrate][dry-run]") {
    test::FakeGate files(40);
    files.files["hello.o"] = "\177ELF";
    {
        DryRunGate gate(files);
        CHECK(gate.enter(MapCreate{}).fd() == 3);
        const Answer object = gate.enter(OpenAt{.path = "hello.o", .flags = O_RDONLY});
        CHECK(object.fd() == 4);
        CHECK(object.origin == Origin::kernel);
        CHECK(read_text(gate, 4) == "\177ELF");
        CHECK(files.open_fds() == std::vector<int>{40});
        CHECK(gate.enter(Close{.fd = 4}).ok());
        CHECK(files.open_fds().empty());
        CHECK(gate.enter(OpenAt{.path = "hello.o", .flags = O_RDONLY}).fd() == 4);
    }
    CHECK(files.open_fds().empty());  // the gate closes what it opened
}

TEST_CASE("an event that a readable tracefs does not list does not exist in a dry run either", "[narrate][dry-run]") {
    test::FakeGate files;
    files.on<OpenAt>([](const OpenAt& call) -> std::optional<Answer> {
        if (call.path == "/sys/kernel/tracing/available_events") return std::nullopt;
        return test::FakeGate::failure(ENOENT);
    });
    files.files["/sys/kernel/tracing/available_events"] = "sched:sched_switch\n";
    DryRunGate gate(files);
    CHECK(gate.enter(OpenAt{.path = "/sys/kernel/tracing/events/sched/sched_swich/id", .flags = O_RDONLY}).error ==
          ENOENT);
    CHECK(files.open_fds().empty());
}

TEST_CASE("a dry run passes on no write and does not touch the trace pipe", "[narrate][dry-run]") {
    NoFiles none(EACCES);
    DryRunGate gate(none);
    const Answer probes = gate.enter(OpenAt{.path = "/sys/kernel/tracing/kprobe_events", .flags = O_WRONLY | O_APPEND});
    CHECK(probes.origin == Origin::dry_run);
    CHECK(gate.enter(Write{.fd = probes.fd(), .data = bytes_of(std::string_view("p:x do_unlinkat"))}).value == 15);
    const Answer pipe = gate.enter(OpenAt{.path = "/sys/kernel/tracing/trace_pipe", .flags = O_RDONLY});
    CHECK(pipe.origin == Origin::dry_run);
    CHECK(none.calls == 0);
}

TEST_CASE("a dry run maps real memory, zeroed, and takes it back", "[narrate][dry-run]") {
    NoFiles none(EACCES);
    DryRunGate gate(none);
    const Answer answer = gate.enter(Mmap{.length = 5 * 4096, .prot = 3, .fd = 3});
    REQUIRE(answer.ok());
    Mapping mapping(gate, reinterpret_cast<void*>(answer.value), 5 * 4096);
    CHECK(mapping.bytes().back() == std::byte{0});
    mapping.bytes().back() = std::byte{1};
    CHECK(gate.mapping_count() == 1);
    mapping.reset();
    CHECK(gate.mapping_count() == 0);
}

TEST_CASE("a dry run maps a file that it can read, and gives it back", "[narrate][dry-run]") {
    test::FakeGate files(40);
    files.files["/sys/kernel/btf/vmlinux"] = std::string("\x9f\xeb\1\0", 4) + std::string(100'000, 'x');
    {
        DryRunGate gate(files);
        const int fd = gate.enter(OpenAt{.path = "/sys/kernel/btf/vmlinux", .flags = O_RDONLY}).fd();
        const Answer size = gate.enter(Lseek{.fd = fd, .offset = 0, .whence = SEEK_END});
        CHECK(size.value == 100'004);
        CHECK(size.origin == Origin::kernel);
        const Answer answer = gate.enter(Mmap{.length = 100'004, .prot = PROT_READ, .fd = fd});
        REQUIRE(answer.ok());
        CHECK(answer.origin == Origin::kernel);
        CHECK(std::memcmp(reinterpret_cast<void*>(answer.value), "\x9f\xeb\1", 4) == 0);
        REQUIRE(files.calls<Mmap>().size() == 1);
        CHECK(files.calls<Mmap>()[0]->fd == 40);
        CHECK(files.calls<Mmap>()[0]->is_private);
        CHECK(gate.mapping_count() == 1);
        CHECK(gate.enter(Munmap{.address = static_cast<std::uintptr_t>(answer.value), .length = 100'004}).ok());
        CHECK(files.mapping_count() == 0);
        CHECK(gate.enter(Mmap{.length = 4, .prot = PROT_READ, .fd = fd}).ok());
        CHECK(files.mapping_count() == 1);
    }
    CHECK(files.mapping_count() == 0);  // the gate gives back what was forgotten
    CHECK(files.open_fds().empty());
    CHECK(files.errors().empty());
}

TEST_CASE("a dry run passes on that a file cannot be mapped", "[narrate][dry-run]") {
    test::FakeGate files;
    files.files["/sys/kernel/btf/vmlinux"] = "types";
    files.fail<Mmap>(ENODEV);
    DryRunGate gate(files);
    const int fd = gate.enter(OpenAt{.path = "/sys/kernel/btf/vmlinux", .flags = O_RDONLY}).fd();
    CHECK(gate.enter(Mmap{.length = 5, .prot = PROT_READ, .fd = fd}).error == ENODEV);
    CHECK(gate.mapping_count() == 0);
}

TEST_CASE("a dry run has all the memory of an arena, which nobody touches", "[narrate][dry-run]") {
    NoFiles none(EACCES);
    DryRunGate gate(none);
    const std::size_t length = std::size_t{1} << 28;
    const Answer answer = gate.enter(Mmap{.length = length, .prot = 3, .fd = 3, .address = 0x100000000000});
    REQUIRE(answer.ok());
    CHECK(static_cast<std::uintptr_t>(answer.value) % 4096 == 0);
    const Mapping mapping(gate, reinterpret_cast<void*>(answer.value), length);
    CHECK(mapping.bytes().back() == std::byte{0});
}

TEST_CASE("a dry run knows how long a file is that it made up", "[narrate][dry-run]") {
    NoFiles none(EACCES);
    DryRunGate gate(none);
    const int fd = gate.enter(OpenAt{.path = "/sys/bus/event_source/devices/kprobe/type", .flags = O_RDONLY}).fd();
    const Answer size = gate.enter(Lseek{.fd = fd, .offset = 0, .whence = SEEK_END});
    CHECK(size.value == 2);
    CHECK(size.origin == Origin::dry_run);
    CHECK(read_text(gate, fd).empty());
    CHECK(gate.enter(Lseek{.fd = fd, .offset = 0, .whence = SEEK_SET}).value == 0);
    CHECK(read_text(gate, fd) == "8\n");
    CHECK(gate.enter(Lseek{.fd = fd, .offset = 5, .whence = SEEK_CUR}).value == 7);
    CHECK(read_text(gate, fd).empty());
    CHECK(gate.enter(Lseek{.fd = fd, .offset = -1, .whence = SEEK_SET}).error == EINVAL);
    CHECK(gate.enter(Lseek{.fd = 99, .offset = 0, .whence = SEEK_SET}).error == EBADF);
}

TEST_CASE("a dry run finds nothing loaded and nothing pinned, and asks nobody", "[narrate][dry-run]") {
    NoFiles none(EACCES);
    DryRunGate gate(none);
    CHECK(gate.enter(GetNextId{.kind = IdKind::map, .start_id = 0}).error == ENOENT);
    CHECK(gate.enter(ObjGet{.pathname = "/sys/fs/bpf/config"}).error == ENOENT);
    CHECK(gate.open_fds().empty());
    CHECK(gate.enter(GetFdById{.kind = IdKind::btf, .id = 1}).fd() == 3);
    CHECK(gate.enter(Mkdir{.path = "/sys/fs/bpf/tc", .mode = 0700}).ok());
    CHECK(gate.enter(Unlink{.path = "/sys/fs/bpf/tc/config"}).ok());
    CHECK(gate.open_fds() == std::vector<int>{3});
    CHECK(none.calls == 0);
}

TEST_CASE("the failing gate fails the call it was told, and no clean-up", "[narrate][fault]") {
    test::FakeGate fake;
    FailingGate gate(fake, 1, EPERM);
    CHECK(gate.enter(MapCreate{}).fd() == 3);
    CHECK_FALSE(gate.has_failed());
    CHECK(gate.enter(Close{.fd = 3}).ok());
    const Answer failed = gate.enter(ProgLoad{});
    CHECK(failed.error == EPERM);
    CHECK(failed.origin == Origin::injected);
    CHECK(gate.enter(ProgLoad{}).ok());
    CHECK(gate.calls() == 3);
    CHECK(fake.count<ProgLoad>() == 1);
}

TEST_CASE("a fake gate keeps what calls borrowed, counts what is open and notes what is closed twice",
          "[narrate][fake]") {
    test::FakeGate gate;
    {
        const std::array<std::byte, 4> key{std::byte{1}};
        std::vector<std::byte> value(12, std::byte{7});
        gate.enter(MapUpdateElem{.map_fd = 3, .key = key, .value = value}, "the user asked for it");
        const std::vector<int> modules{0, 17};
        gate.enter(ProgLoad{.fd_array = modules});
    }
    gate.enter(Close{.fd = 3});
    REQUIRE(gate.count<ProgLoad>() == 1);
    REQUIRE(gate.calls<ProgLoad>()[0]->fd_array.size() == 2);
    CHECK(gate.calls<ProgLoad>()[0]->fd_array[1] == 17);
    const std::vector<const MapUpdateElem*> updates = gate.calls<MapUpdateElem>();
    REQUIRE(updates.size() == 1);
    CHECK(updates[0]->value.size() == 12);
    CHECK(updates[0]->value[11] == std::byte{7});
    CHECK(gate.log()[0].reason == "the user asked for it");

    Fd map(gate, gate.enter(MapCreate{}).fd());
    CHECK(gate.open_fds() == std::vector<int>{3});
    map.reset();
    CHECK(gate.open_fds().empty());
    CHECK(gate.errors().empty());
    gate.enter(Close{.fd = 3});
    CHECK(gate.errors().size() == 1);
    CHECK(gate.call_names() == std::vector<std::string>{"bpf(BPF_MAP_UPDATE_ELEM)", "bpf(BPF_PROG_LOAD)", "close",
                                                        "bpf(BPF_MAP_CREATE)", "close", "close"});
}

TEST_CASE("a fake gate answers by script", "[narrate][fake]") {
    test::FakeGate gate;
    gate.fail<MapCreate>(EPERM);
    gate.on<MapCreate>([](const MapCreate& call) -> std::optional<Answer> {
        if (call.name == "config") return Answer{.value = 77};
        return std::nullopt;
    });
    CHECK(gate.enter(MapCreate{.name = "config"}).fd() == 77);
    CHECK(gate.enter(MapCreate{.name = "output"}).error == EPERM);
}

}  // namespace minibpf
