#pragma once
// A cable with two ends for tests: `near` at 10.8.0.1 in the test's network namespace, `far` at 10.8.0.2 in one that
// commands enter by in_far().

#include <csignal>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tests/catch.hpp>
#include <tests/kernel/network.hpp>
#include <tests/skip.hpp>

#include "command.hpp"

namespace minibpf::test {

class Cable {
public:
    Cable() {
        int ready[2];
        require_ok(pipe(ready) == 0, "pipe");
        holder_ = fork();
        require_ok(holder_ >= 0, "fork");
        if (holder_ == 0) hold_far_namespace(ready[1]);
        close(ready[1]);
        char byte = 0;
        const bool is_there = read(ready[0], &byte, 1) == 1;
        close(ready[0]);
        if (!is_there) leave("no second network namespace");
        const std::string pid = std::to_string(holder_);
        const Said made = run("ip link add near type veth peer name far netns " + pid);
        if (made.status != 0) leave("veth: " + made.err);
        const Said up = run("ip addr add 10.8.0.1/24 dev near && ip link set near up && " +
                            in_far("ip addr add 10.8.0.2/24 dev far") + " && " + in_far("ip link set far up"));
        if (up.status != 0) leave("an address for veth: " + up.err);
    }
    ~Cable() { end(); }
    Cable(const Cable&) = delete;
    Cable& operator=(const Cable&) = delete;

    std::string in_far(const std::string& command) const {
        return "nsenter -t " + std::to_string(holder_) + " -n " + command;
    }
    /// From far to near; its exit status says whether there was an answer.
    std::string ping() const { return in_far("busybox ping -c 1 -W 1 10.8.0.1"); }

private:
    // The namespace lives as long as this process, which dies with the test.
    [[noreturn]] static void hold_far_namespace(int ready) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (unshare(CLONE_NEWNET) != 0) _exit(1);
        for (const char* which : {"all", "default"})
            std::ofstream(std::string("/proc/sys/net/ipv6/conf/") + which + "/disable_ipv6") << 1;
        if (write(ready, "x", 1) != 1) _exit(1);
        for (;;) pause();
    }
    void end() {
        if (holder_ <= 0) return;
        kill(holder_, SIGKILL);
        waitpid(holder_, nullptr, 0);
        holder_ = -1;
    }
    [[noreturn]] void leave(const std::string& reason) {
        end();
        skip_unless_kernel_has(reason, false);
        std::abort();
    }

    NetworkNamespace near_;
    pid_t holder_ = -1;
};

}  // namespace minibpf::test
