#pragma once
// What the cgroup hooks are for: a process that does it meets the programs of its group.

#include <cstddef>
#include <cstring>
#include <fstream>
#include <string>

#include <sys/un.h>

#include <tests/kernel/connection.hpp>
#include <tests/kernel/network.hpp>

namespace minibpf::test {

template <class Address>
Address address_of(std::uint16_t port);

template <>
inline sockaddr_in address_of(std::uint16_t port) {
    return loopback_address(port);
}

template <>
inline sockaddr_in6 address_of(std::uint16_t port) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    address.sin6_addr = in6addr_loopback;
    return address;
}

// A socket that sends a datagram to itself, and is asked for both its addresses: every hook of addresses is on its way.
template <class Address>
void talk_to_itself() {
    Address address = address_of<Address>(0);
    const TestSocket socket(reinterpret_cast<sockaddr*>(&address)->sa_family, SOCK_DGRAM);
    socklen_t length = sizeof(address);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    require_ok(bind(socket.get(), generic, length) == 0, "bind");
    require_ok(getsockname(socket.get(), generic, &length) == 0, "getsockname");
    require_ok(sendto(socket.get(), "ping", 4, 0, generic, length) == 4, "sendto");
    char buffer[8];
    require_ok(recvfrom(socket.get(), buffer, sizeof(buffer), 0, generic, &length) == 4, "recvfrom");
    require_ok(connect(socket.get(), generic, length) == 0, "connect");
    require_ok(getpeername(socket.get(), generic, &length) == 0, "getpeername");
}

inline void set_and_get_option() {
    const TestSocket socket(AF_INET, SOCK_DGRAM);
    int value = 1;
    socklen_t length = sizeof(value);
    require_ok(setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &value, length) == 0, "setsockopt");
    require_ok(getsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &value, &length) == 0, "getsockopt");
}

inline void connect_tcp() {
    const TestSocket listener(AF_INET, SOCK_STREAM);
    connected_to(listener);
}

inline void read_sysctl() {
    std::string line;
    std::getline(std::ifstream("/proc/sys/kernel/ostype"), line);
}

inline void open_device() {
    std::ifstream null("/dev/null");
}

inline sockaddr_un unix_address(socklen_t& length) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    // Without a file: its first byte is 0.
    const std::string name = "minibpf-test-" + std::to_string(getpid());
    std::memcpy(address.sun_path + 1, name.data(), name.size());
    length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    return address;
}

// A datagram to a socket that has a name, from one that is then connected to it.
inline void talk_over_unix_sockets() {
    socklen_t length = 0;
    sockaddr_un address = unix_address(length);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    const TestSocket receiver(AF_UNIX, SOCK_DGRAM);
    const TestSocket sender(AF_UNIX, SOCK_DGRAM);
    require_ok(bind(receiver.get(), generic, length) == 0, "bind");
    require_ok(sendto(sender.get(), "ping", 4, 0, generic, length) == 4, "sendto");
    require_ok(connect(sender.get(), generic, length) == 0, "connect");
    socklen_t room = sizeof(address);
    require_ok(getpeername(sender.get(), generic, &room) == 0, "getpeername");
    room = sizeof(address);
    require_ok(getsockname(receiver.get(), generic, &room) == 0, "getsockname");
    char buffer[8];
    room = sizeof(address);
    require_ok(recvfrom(receiver.get(), buffer, sizeof(buffer), 0, generic, &room) == 4, "recvfrom");
}

}  // namespace minibpf::test
