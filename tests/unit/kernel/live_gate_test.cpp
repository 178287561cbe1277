// The gate that enters the kernel, by calls that anybody may make: what it passes, and what it hands out of the answer.
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <tests/catch.hpp>
#include <tests/paths.hpp>

#include <libminibpf/kernel/fd.hpp>
#include <libminibpf/kernel/live_gate.hpp>
#include <libminibpf/kernel/page_size.hpp>

using namespace minibpf;

namespace {

std::string this_file() {
    return (test::source_dir() / "tests/unit/kernel/live_gate_test.cpp").string();
}

std::span<std::byte> bytes_in(std::string& text) {
    return std::as_writable_bytes(std::span(text));
}

struct Pipe {
    Pipe() { REQUIRE(pipe(ends) == 0); }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        close(ends[0]);
        close(ends[1]);
    }
    int ends[2] = {-1, -1};
};

}  // namespace

TEST_CASE("a file is opened, read and closed through the gate", "[kernel][live]") {
    LiveGate gate;
    const Answer opened = gate.enter(OpenAt{.path = this_file(), .flags = O_RDONLY});
    REQUIRE(opened.ok());
    CHECK(opened.fd() > 2);
    std::string text(20, '\0');
    const Answer read = gate.enter(Read{.fd = opened.fd(), .buffer = bytes_in(text)});
    CHECK(read.value == 20);
    CHECK(text == "// The gate that ent");
    CHECK(gate.enter(Close{.fd = opened.fd()}).ok());
    CHECK(gate.enter(Close{.fd = opened.fd()}).error == EBADF);
}

TEST_CASE("what the kernel refuses is an answer with its errno, and no exception", "[kernel][live]") {
    LiveGate gate;
    const Answer answer = gate.enter(OpenAt{.path = this_file() + "/nothing", .flags = O_RDONLY});
    CHECK_FALSE(answer.ok());
    CHECK(answer.value == -1);
    CHECK(answer.error == ENOTDIR);
    std::string text(1, '\0');
    CHECK(gate.enter(Read{.fd = -1, .buffer = bytes_in(text)}).error == EBADF);
}

TEST_CASE("every descriptor is closed in a child that executes another program", "[kernel][live]") {
    LiveGate gate;
    const Fd file(gate, gate.enter(OpenAt{.path = this_file(), .flags = O_RDONLY}).fd());
    const Fd epoll(gate, gate.enter(EpollCreate{}).fd());
    for (const Fd* fd : {&file, &epoll}) {
        REQUIRE(fd->is_open());
        CHECK((fcntl(fd->get(), F_GETFD) & FD_CLOEXEC) != 0);
    }
}

TEST_CASE("a file is mapped where the kernel likes, and unmapped", "[kernel][live]") {
    LiveGate gate;
    const Fd file(gate, gate.enter(OpenAt{.path = this_file(), .flags = O_RDONLY}).fd());
    REQUIRE(file.is_open());
    const Answer answer = gate.enter(Mmap{.length = page_size(), .prot = PROT_READ, .fd = file.get()});
    REQUIRE(answer.ok());
    CHECK(std::memcmp(reinterpret_cast<const void*>(answer.value), "// The gate", 11) == 0);
    const auto address = static_cast<std::uintptr_t>(answer.value);
    CHECK(gate.enter(Munmap{.address = address, .length = page_size()}).ok());
    // mincore(2) says ENOMEM of addresses where nothing is mapped.
    unsigned char is_resident = 0;
    CHECK(mincore(reinterpret_cast<void*>(address), page_size(), &is_resident) == -1);
    CHECK(gate.enter(Mmap{.length = page_size(), .prot = PROT_READ, .fd = -1}).error == EBADF);
}

TEST_CASE("epoll tells which of several descriptors are ready", "[kernel][live]") {
    LiveGate gate;
    const Fd epoll(gate, gate.enter(EpollCreate{}).fd());
    REQUIRE(epoll.is_open());
    const Pipe first;
    const Pipe second;
    REQUIRE(gate.enter(EpollAdd{.epoll_fd = epoll.get(), .fd = first.ends[0], .data = 10}).ok());
    REQUIRE(gate.enter(EpollAdd{.epoll_fd = epoll.get(), .fd = second.ends[0], .data = 20}).ok());
    std::array<std::uint32_t, 4> ready{};
    CHECK(gate.enter(EpollWait{.epoll_fd = epoll.get(), .ready = ready, .timeout_ms = 0}).value == 0);
    REQUIRE(write(second.ends[1], "x", 1) == 1);
    CHECK(gate.enter(EpollWait{.epoll_fd = epoll.get(), .ready = ready, .timeout_ms = 1000}).value == 1);
    CHECK(ready[0] == 20);
    CHECK(gate.enter(EpollAdd{.epoll_fd = epoll.get(), .fd = -1}).error == EBADF);
}

TEST_CASE("bpf(2) and perf_event_open(2) reach the kernel by their numbers", "[kernel][live]") {
    LiveGate gate;
    // EPERM for those who may not use bpf(2) at all (kernel.unprivileged_bpf_disabled); where it may be used, there is
    // no descriptor -1.
    const Answer map = gate.enter(MapFreeze{.map_fd = -1});
    CHECK((map.error == EBADF || map.error == EPERM));
    CHECK(map.attr != 0);
    const Answer event = gate.enter(PerfEventOpen{.type = 0xffff, .pid = 0, .cpu = -1});
    CHECK(event.value == -1);
    CHECK((event.error == ENOENT || event.error == EACCES || event.error == EPERM));
    CHECK(gate.enter(PerfEventSetBpf{.event_fd = -1, .prog_fd = -1}).error == EBADF);
    CHECK(gate.enter(PerfEventEnable{.event_fd = -1}).error == EBADF);
}
