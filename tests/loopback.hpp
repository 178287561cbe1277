#pragma once
// Network interface number 1 and up, in a network namespace of the test's own.

#include <cstring>

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <tests/catch.hpp>

namespace minibpf::test {

/// A network namespace of this process's own, whose loopback interface is number 1 and up.
inline void enter_new_network() {
    REQUIRE(unshare(CLONE_NEWNET) == 0);
    const int control = socket(AF_INET, SOCK_DGRAM, 0);
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP;
    REQUIRE(ioctl(control, SIOCSIFFLAGS, &request) == 0);
    ::close(control);
}

}  // namespace minibpf::test
