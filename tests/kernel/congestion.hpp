#pragma once
// TCP congestion controls, as the kernel and its users have them.

#include <fstream>
#include <string>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <tests/catch.hpp>

namespace minibpf::test {

inline bool is_available(const std::string& name) {
    std::ifstream file("/proc/sys/net/ipv4/tcp_available_congestion_control");
    for (std::string each; file >> each;) {
        if (each == name) return true;
    }
    return false;
}

/// A connection to ourselves, whose client takes the congestion control. False when the kernel knows none of that name.
inline bool connect_with(const std::string& name) {
    const int server = socket(AF_INET, SOCK_STREAM, 0);
    const int client = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    bool taken = bind(server, reinterpret_cast<sockaddr*>(&address), length) == 0 && listen(server, 1) == 0 &&
                 getsockname(server, reinterpret_cast<sockaddr*>(&address), &length) == 0 &&
                 connect(client, reinterpret_cast<sockaddr*>(&address), length) == 0;
    REQUIRE(taken);
    taken = setsockopt(client, IPPROTO_TCP, TCP_CONGESTION, name.c_str(), static_cast<socklen_t>(name.size())) == 0;
    CHECK(send(client, "x", 1, 0) == 1);
    close(client);
    close(server);
    return taken;
}

}  // namespace minibpf::test
