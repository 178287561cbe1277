#pragma once
// TCP connections of a test with itself, for the programs of sockmaps.

#include <string>

#include <sys/time.h>

#include <libminibpf/kernel/syscall.hpp>
#include <libminibpf/load/object.hpp>
#include <tests/catch.hpp>
#include <tests/kernel/network.hpp>

namespace minibpf::test {

struct Connection {
    TestSocket client, server;
};

/// A socket that is connected to `listener`, which begins to listen.
inline TestSocket connected_to(const TestSocket& listener) {
    sockaddr_in address = loopback_address(0);
    socklen_t length = sizeof(address);
    require_ok(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), length) == 0, "bind");
    require_ok(listen(listener.get(), 1) == 0, "listen");
    require_ok(getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0, "getsockname");
    TestSocket client(AF_INET, SOCK_STREAM);
    require_ok(connect(client.get(), reinterpret_cast<sockaddr*>(&address), length) == 0, "connect");
    return client;
}

/// The two ends of a TCP connection of this process with itself.
inline Connection connect_over_loopback() {
    const TestSocket listener(AF_INET, SOCK_STREAM);
    TestSocket client = connected_to(listener);
    TestSocket server(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    return {std::move(client), std::move(server)};
}

inline void put_into_sockmap(KernelGate& gate, const Map& map, int socket, std::uint32_t key = 0) {
    const std::uint64_t value = static_cast<std::uint64_t>(socket);
    const Answer answer = gate.enter(MapUpdateElem{.map_fd = map.fd(), .key = bytes_of(key), .value = bytes_of(value)});
    REQUIRE(answer.error == 0);
}

/// What arrives of `text`, within seconds: behind a parser it takes the kernel's workers.
inline std::string sent_and_received(const Connection& connection, const std::string& text) {
    const timeval patience{.tv_sec = 20, .tv_usec = 0};
    require_ok(setsockopt(connection.server.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0,
               "SO_RCVTIMEO");
    require_ok(send(connection.client.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()), "send");
    std::string received;
    char buffer[64];
    while (received.size() < text.size()) {
        const ssize_t count = recv(connection.server.get(), buffer, sizeof(buffer), 0);
        if (count <= 0) break;
        received.append(buffer, static_cast<std::size_t>(count));
    }
    return received;
}

}  // namespace minibpf::test
