// `loader step` on a terminal of its own: a pseudo-terminal that the test types into.
#include <chrono>
#include <csignal>

#include <poll.h>
#include <pty.h>

#include <tests/catch.hpp>
#include <tests/skip.hpp>

#include "command.hpp"

using namespace minibpf::test;

namespace {

class Terminal {
public:
    explicit Terminal(const std::vector<std::string>& command) {
        close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
        pid_ = forkpty(&master_, nullptr, nullptr, nullptr);
        if (pid_ != 0) return;
        std::vector<char*> arguments;
        for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
        arguments.push_back(nullptr);
        execv(arguments[0], arguments.data());
        _exit(127);
    }

    ~Terminal() {
        if (pid_ > 0 && !ended_) {
            kill(pid_, SIGKILL);
            waitpid(pid_, nullptr, 0);
        }
        close(master_);
    }

    // Reads until `text` has come (and forgets what was before it), the program has ended, or 20 seconds have passed.
    bool wait_for(const std::string& text) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (std::chrono::steady_clock::now() < deadline) {
            const std::size_t at = unread_.find(text);
            if (at != std::string::npos) {
                unread_.erase(0, at + text.size());
                return true;
            }
            if (!read_some()) break;
        }
        return false;
    }

    void type(const std::string& keys) {
        REQUIRE(write(master_, keys.data(), keys.size()) == static_cast<ssize_t>(keys.size()));
    }

    int wait_for_end() {
        while (read_some()) {
        }
        int status = 0;
        waitpid(pid_, &status, 0);
        ended_ = true;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

    const std::string& everything() const { return everything_; }

private:
    bool read_some() {
        pollfd ready{.fd = master_, .events = POLLIN, .revents = 0};
        if (poll(&ready, 1, 20'000) <= 0) return false;
        char chunk[4096];
        const ssize_t size = read(master_, chunk, sizeof(chunk));  // EIO when the other side has gone
        if (size <= 0) return false;
        unread_.append(chunk, static_cast<std::size_t>(size));
        everything_.append(chunk, static_cast<std::size_t>(size));
        return true;
    }

    int master_ = -1;
    pid_t pid_ = -1;
    bool ended_ = false;
    std::string unread_;
    std::string everything_;
};

constexpr const char* prompt = "[q] undo and quit";

}  // namespace

TEST_CASE("step stops before each call, shows why, each field and its bytes, and afterwards what changed",
          "[cli][kernel][step]") {
    require_prerequisite(geteuid() == 0, "root");
    Terminal terminal({loader(), "step", prog("hello.bpf.o"), "-c", "true"});
    REQUIRE(terminal.wait_for("openat"));
    REQUIRE(terminal.wait_for(prompt));
    for (int i = 0; i < 3; ++i) {  // openat, and the two reads of the file
        terminal.type("\n");
        REQUIRE(terminal.wait_for(prompt));
    }
    CHECK_THAT(terminal.everything(), contains("bpf(BPF_BTF_LOAD, {btf="));
    terminal.type("\n");
    REQUIRE(terminal.wait_for("descriptor 3 is now BTF"));
    REQUIRE(terminal.wait_for("section .rodata becomes an array map"));
    REQUIRE(terminal.wait_for("02 00 00 00"));  // map_type=BPF_MAP_TYPE_ARRAY
    REQUIRE(terminal.wait_for("map_type=BPF_MAP_TYPE_ARRAY"));
    REQUIRE(terminal.wait_for(prompt));
    terminal.type("c\n");
    CHECK(terminal.wait_for("Hello World!"));
    CHECK(terminal.wait_for_end() == 0);
}

TEST_CASE("q undoes everything done so far", "[cli][kernel][step]") {
    require_prerequisite(geteuid() == 0, "root");
    Terminal terminal({loader(), "step", prog("hello.bpf.o"), "-c", "true"});
    bool loaded = false;
    for (int i = 0; i < 20 && !loaded; ++i) {
        REQUIRE(terminal.wait_for(prompt));
        loaded = terminal.everything().find("ioctl(PERF_EVENT_IOC_ENABLE)") != std::string::npos;
        terminal.type(loaded ? "q\n" : "\n");
    }
    REQUIRE(loaded);
    CHECK(terminal.wait_for("everything that was done has been undone"));
    CHECK(terminal.wait_for_end() == 0);
    for (const char* closed : {"close(7)", "close(6)", "close(5)", "close(4)", "close(3)"})
        CHECK_THAT(terminal.everything(), contains(closed));
    CHECK(terminal.everything().find("bpf_trace_printk: Hello") == std::string::npos);
}

TEST_CASE("the end of the input is a q", "[cli][kernel][step]") {
    require_prerequisite(geteuid() == 0, "root");
    const Said said = run(loader() + " step " + prog("hello.bpf.o") + " </dev/null");
    CHECK(said.status == 0);
    CHECK_THAT(said.err, contains("has been undone"));
}
