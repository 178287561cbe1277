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

// In tests/vm the modules that a distribution's kernel would load by itself are at hand as files.
inline void load_network_modules() {
    const char* directory = std::getenv("MINIBPF_KERNEL_MODULES");
    if (directory == nullptr) return;
    for (const char* module : {"veth", "sch_ingress", "cls_bpf"}) {
        const std::string file = std::string(directory) + "/" + module + ".ko";
        run("test ! -e " + file + " || grep -q ^" + module + " /proc/modules || insmod " + file);
    }
}

class Cable {
public:
    Cable() {
        load_network_modules();
        int ready[2];
        require_ok(pipe(ready) == 0, "pipe");
        holder_ = fork();
        require_ok(holder_ >= 0, "fork");
        if (holder_ == 0) hold_far_namespace(ready[1]);
        close(ready[1]);
        char byte = 0;
        const bool is_there = read(ready[0], &byte, 1) == 1;
        close(ready[0]);
        if (!is_there) fail("a second network namespace");
        const std::string pid = std::to_string(holder_);
        const Said made = run("ip link add near type veth peer name far netns " + pid);
        if (made.status != 0) {
            end();
            skip_unless_kernel_has("veth", false);
        }
        const Said up = run("ip addr add 10.8.0.1/24 dev near && ip link set near up && " +
                            in_far("ip addr add 10.8.0.2/24 dev far") + " && " + in_far("ip link set far up"));
        if (up.status != 0) fail(up.err);
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
    [[noreturn]] void fail(const std::string& what) {
        end();
        throw std::runtime_error("making a cable: " + what);
    }

    NetworkNamespace near_;
    pid_t holder_ = -1;
};

}  // namespace minibpf::test
