#pragma once
// Network interface number 1 and up, in a network namespace of the test's own, and a packet through it.

#include <cstring>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
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

/// Sends one datagram to where nobody listens, and waits for the answer that says so: on a busy machine the kernel
/// leaves what was sent to ksoftirqd. When a program drops it there is no answer.
inline void send_packet() {
    const int sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(7);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    constexpr int longest_ms = 500;
    pollfd refused{.fd = sender, .events = 0, .revents = 0};  // POLLERR need not be asked for
    if (connect(sender, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
        send(sender, "x", 1, 0) == 1)
        poll(&refused, 1, longest_ms);
    ::close(sender);
}

}  // namespace minibpf::test
