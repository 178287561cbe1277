// The far end's namespace lives as long as a child that does nothing else.
#include "cable.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libminibpf/base/error.hpp>

namespace checker {

namespace {

int shell(const std::string& command) {
    const int status = std::system(("{ " + command + "; } >/dev/null 2>&1").c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

[[noreturn]] void fail(const std::string& what, const std::string& hint) {
    throw minibpf::Error({.doing = "making two network interfaces that are connected: " + what,
                          .hint = hint,
                          .blame = minibpf::Blame::facility});
}

std::string ping_command() {
    return shell("command -v ping") == 0 ? "ping" : "busybox ping";
}

void write_byte(int fd) {
    if (write(fd, "x", 1) != 1) _exit(1);
}

}  // namespace

Cable::Cable() {
    if (shell("command -v ip") != 0) fail("there is no `ip`", "apt-get install iproute2");
    if (unshare(CLONE_NEWNET) != 0) fail("a network namespace", "it takes root");
    int ready[2];
    if (pipe(ready) != 0) fail("a pipe", "");
    holder_ = fork();
    if (holder_ == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (unshare(CLONE_NEWNET) != 0) _exit(1);
        shell("for i in all default; do echo 1 > /proc/sys/net/ipv6/conf/$i/disable_ipv6; done");
        write_byte(ready[1]);
        for (;;) pause();
    }
    close(ready[1]);
    char byte = 0;
    const bool is_there = read(ready[0], &byte, 1) == 1;
    close(ready[0]);
    if (!is_there) fail("a second network namespace", "");
    shell("for i in all default; do echo 1 > /proc/sys/net/ipv6/conf/$i/disable_ipv6; done");
    const std::string far = fmt::format("nsenter -t {} -n ip", holder_);
    if (shell(fmt::format("ip link add near type veth peer name far netns {}", holder_)) != 0)
        fail("a pair of type veth", "the kernel needs CONFIG_VETH (modprobe veth)");
    if (shell(fmt::format("ip link set lo up && ip addr add 10.8.0.1/24 dev near && ip link set near up && "
                          "{0} addr add 10.8.0.2/24 dev far && {0} link set far up",
                          far)) != 0)
        fail("their addresses", "");
}

Cable::~Cable() {
    if (holder_ <= 0) return;
    shell("ip link del near");
    kill(holder_, SIGKILL);
    waitpid(holder_, nullptr, 0);
}

bool Cable::ping() const {
    return shell(fmt::format("nsenter -t {} -n {} -c 1 -W 1 10.8.0.1", holder_, ping_command())) == 0;
}

int Cable::pings(int count) const {
    int answered = 0;
    for (int i = 0; i < count; ++i) answered += ping() ? 1 : 0;
    return answered;
}

bool Cable::ping_from_near() const {
    return shell(ping_command() + " -c 1 -W 1 10.8.0.2") == 0;
}

bool Cable::has_xdp() const {
    return shell("ip -details link show near | grep -q 'prog/xdp'") == 0;
}

}  // namespace checker
