#pragma once
// Networks for tests: a network namespace of the test's own, with interfaces that nobody else sees, and packets on
// them.

#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libminibpf/attach/route_socket.hpp>
#include <libminibpf/kernel/live_gate.hpp>

namespace minibpf::test {

inline void require_ok(bool ok, const std::string& what) {
    if (!ok) throw std::runtime_error(what + ": " + std::strerror(errno));
}

/// A socket that closes itself.
class TestSocket {
public:
    TestSocket(int domain, int type, int protocol = 0) : fd_(socket(domain, type | SOCK_CLOEXEC, protocol)) {
        require_ok(fd_ >= 0, "socket");
    }
    explicit TestSocket(int fd) : fd_(fd) { require_ok(fd_ >= 0, "socket"); }
    TestSocket(TestSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    TestSocket& operator=(TestSocket&&) = delete;
    ~TestSocket() {
        if (fd_ >= 0) close(fd_);
    }
    int get() const noexcept { return fd_; }

private:
    int fd_;
};

/// Sends a frame out of an interface. Whether another one has received it by the end of `longest_ms`.
inline bool frame_arrives(const std::string& interface, int longest_ms) {
    constexpr std::uint16_t protocol = 0x88b5;  // ETH_P_802_EX1
    // It gets those that are received, not those that are sent; and after XDP and tc.
    const TestSocket receiver(AF_PACKET, SOCK_RAW, htons(protocol));
    const TestSocket socket(AF_PACKET, SOCK_RAW);
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
    unsigned char frame[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, protocol >> 8, protocol & 0xff};
    require_ok(sendto(socket.get(), frame, sizeof(frame), 0, reinterpret_cast<const sockaddr*>(&address),
                      sizeof(address)) == sizeof(frame),
               "sendto " + interface);
    pollfd arrived{.fd = receiver.get(), .events = POLLIN, .revents = 0};
    return poll(&arrived, 1, longest_ms) == 1;
}

/// While it lives the process is in a network namespace of its own, which has nothing but "lo", and that is up.
class NetworkNamespace {
public:
    NetworkNamespace() : before_(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
        require_ok(before_ >= 0, "/proc/thread-self/ns/net");
        require_ok(unshare(CLONE_NEWNET) == 0, "unshare");
        // Without IPv6 nobody sends a packet that the test did not send.
        for (const char* which : {"all", "default"})
            std::ofstream(std::string("/proc/sys/net/ipv6/conf/") + which + "/disable_ipv6") << 1;
        set_up("lo");
    }
    ~NetworkNamespace() {
        if (setns(before_, CLONE_NEWNET) != 0) std::abort();  // other tests must not go on in here
        close(before_);
    }
    NetworkNamespace(const NetworkNamespace&) = delete;
    NetworkNamespace& operator=(const NetworkNamespace&) = delete;

    void set_up(const std::string& interface) {
        const TestSocket socket(AF_INET, SOCK_DGRAM);
        ifreq request{};
        std::strncpy(request.ifr_name, interface.c_str(), sizeof(request.ifr_name) - 1);
        require_ok(ioctl(socket.get(), SIOCGIFFLAGS, &request) == 0, "SIOCGIFFLAGS");
        request.ifr_flags |= IFF_UP;
        require_ok(ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0, "SIOCSIFFLAGS");
    }

    void set_mtu(const std::string& interface, int mtu) {
        const TestSocket socket(AF_INET, SOCK_DGRAM);
        ifreq request{};
        std::strncpy(request.ifr_name, interface.c_str(), sizeof(request.ifr_name) - 1);
        request.ifr_mtu = mtu;
        require_ok(ioctl(socket.get(), SIOCSIFMTU, &request) == 0, "SIOCSIFMTU");
    }

    /// Two interfaces: what is sent on one is received by the other. False when the kernel has none of this kind.
    bool add_pair(const std::string& kind, const std::string& name, const std::string& peer) {
        LiveGate gate;
        RouteSocket route(gate, "making interfaces for a test");
        NetlinkMessage message(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, route.next_sequence());
        message.append(ifinfomsg{});
        message.add_string(IFLA_IFNAME, name);
        const std::size_t info = message.begin_nested(IFLA_LINKINFO);
        message.add_string(IFLA_INFO_KIND, kind);
        const std::size_t data = message.begin_nested(IFLA_INFO_DATA);
        const std::size_t other = message.begin_nested(VETH_INFO_PEER);  // the same number as IFLA_NETKIT_PEER_INFO
        message.append(ifinfomsg{});
        message.add_string(IFLA_IFNAME, peer);
        message.end_nested(other);
        message.end_nested(data);
        message.end_nested(info);
        const RouteSocket::Outcome outcome = route.request(message);
        if (!outcome.ok()) return false;
        for (const std::string& interface : {name, peer}) set_up(interface);
        // That there is a carrier, now that both are up, the kernel notices a little later (net/core/link_watch.c), and
        // until then it throws away what is sent.
        for (const std::string& interface : {name, peer}) {
            for (int tries = 0; !frame_arrives(interface, 50); ++tries)
                require_ok(tries < 400, interface + " has no carrier");
        }
        return true;
    }

private:
    int before_;
};

inline sockaddr_in loopback_address(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

// On a busy machine the kernel leaves what was sent to ksoftirqd, and the sender goes on before it is received. So both
// of these wait for the other end, or else a test would look for its program's traces too soon.

/// Sends one UDP datagram to 127.0.0.1, where nobody need listen: then it waits for the answer that says so.
inline void send_datagram(std::uint16_t port = 4711) {
    const TestSocket socket(AF_INET, SOCK_DGRAM);
    const sockaddr_in address = loopback_address(port);
    require_ok(connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0, "connect");
    send(socket.get(), "ping", 4, 0);
    pollfd refused{.fd = socket.get(), .events = 0, .revents = 0};  // POLLERR need not be asked for
    constexpr int longest_ms = 200;                                 // when somebody listens there is no answer
    poll(&refused, 1, longest_ms);
}

/// Sends one frame of 60 bytes and of a protocol that nobody has (ETH_P_802_EX1) out of an interface, and waits until
/// another one has received it.
inline void send_frame(const std::string& interface) {
    constexpr int longest_ms = 20'000;
    require_ok(frame_arrives(interface, longest_ms), "the frame sent by " + interface + " did not arrive");
}

}  // namespace minibpf::test
