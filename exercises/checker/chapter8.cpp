// Chapter 8: packets. What a program does with one is seen in two ways: by BPF_PROG_TEST_RUN with packets of our own,
// and on a cable.
#include <algorithm>

#include <fmt/format.h>
#include <linux/pkt_cls.h>

#include "cable.hpp"
#include "exercise.hpp"

namespace checker {

using namespace minibpf;

namespace {

constexpr std::size_t icmp_type_at = 14 + 20;        // after Ethernet and IPv4
constexpr std::size_t udp_to_port_at = 14 + 20 + 2;  // after the port that it comes from

Bytes packet(const char* name) {
    return *packet_by_name(name);
}

Bytes ping_packet(std::uint8_t type) {
    Bytes bytes = packet("icmp");
    bytes[icmp_type_at] = std::byte{type};
    return bytes;
}

Bytes udp_packet(std::uint16_t port, const char* name = "udp") {
    Bytes bytes = packet(name);
    bytes[udp_to_port_at] = static_cast<std::byte>(port >> 8);
    bytes[udp_to_port_at + 1] = static_cast<std::byte>(port & 0xff);
    return bytes;
}

std::uint32_t verdict(Attempt& attempt, StudentObject& student, Bytes bytes) {
    const Program& program = student.object().programs().front();
    return test_run(attempt.gate(), program.fd(), program.spec().kind.type, program.name(),
                    {.data = std::move(bytes), .context = {}, .cpu = {}})
        .retval;
}

void expect_verdict(Attempt& attempt, Findings& findings, StudentObject& student, Bytes bytes, std::uint32_t wanted,
                    const std::string& what, int hint) {
    const bpf_prog_type type = student.object().programs().front().spec().kind.type;
    const std::uint32_t seen = verdict(attempt, student, std::move(bytes));
    findings.expect(seen == wanted, what, return_value_name(type, wanted),
                    fmt::format("{} {}", return_value_name(type, seen), seen), hint);
}

void check_ping_and_reply(Attempt& attempt, Findings& findings) {
    StudentObject student(attempt);
    student.load(findings, 1);
    const auto number = [&](const char* name) { return student.object().variable<std::uint64_t>(name); };
    const auto expect_counted = [&](Bytes bytes, std::uint64_t requests, std::uint64_t replies, const std::string& what,
                                    int hint) {
        const std::uint64_t requests_before = number("requests"), replies_before = number("replies");
        verdict(attempt, student, std::move(bytes));
        const std::uint64_t more_requests = number("requests") - requests_before,
                            more_replies = number("replies") - replies_before;
        findings.expect(more_requests == requests && more_replies == replies, what,
                        fmt::format("requests + {}, replies + {}", requests, replies),
                        fmt::format("requests + {}, replies + {}", more_requests, more_replies), hint);
    };
    expect_counted(ping_packet(8), 1, 0, "a ping is counted as a request", 1);
    expect_counted(ping_packet(0), 0, 1, "the answer to one as a reply", 2);
    expect_counted(ping_packet(3), 0, 0, "another kind of ICMP packet as neither", 2);
    expect_counted(packet("udp"), 0, 0, "a UDP packet as neither", 2);
    expect_verdict(attempt, findings, student, ping_packet(8), XDP_PASS, "a ping is let through", 3);

    const Cable cable;
    const Link link = student.attach_to(student.object().programs().front().name(), "xdp:near");
    const std::uint64_t requests = number("requests"), replies = number("replies");
    findings.expect(cable.ping(), "on a cable: a ping from the other end is answered", "an answer", "none", 3);
    findings.expect(number("requests") == requests + 1, "and came in as a request", "requests + 1",
                    fmt::format("requests + {}", number("requests") - requests), 2);
    cable.ping_from_near();
    findings.expect(number("replies") == replies + 1, "a ping from here comes back as a reply", "replies + 1",
                    fmt::format("replies + {}", number("replies") - replies), 2);
}

void check_udp_port(Attempt& attempt, Findings& findings) {
    StudentObject student(attempt);
    student.load(findings, 2);
    const bool is_swapped = verdict(attempt, student, udp_packet(0x611e)) == XDP_DROP &&
                            verdict(attempt, student, udp_packet(7777)) != XDP_DROP;
    expect_verdict(attempt, findings, student, udp_packet(7777), XDP_DROP, "UDP to port 7777 is dropped",
                   is_swapped ? 3 : 1);
    expect_verdict(attempt, findings, student, udp_packet(7778), XDP_PASS, "UDP to another port passes", 1);
    expect_verdict(attempt, findings, student, udp_packet(0x611e), XDP_PASS,
                   "and so does port 24862, which is 7777 with its bytes swapped", 3);
    expect_verdict(attempt, findings, student, udp_packet(7777, "tcp"), XDP_PASS, "TCP to port 7777 passes", 1);
    expect_verdict(attempt, findings, student, packet("arp"), XDP_PASS, "ARP passes", 1);
    Bytes cut = udp_packet(7777);
    cut.resize(14 + 20 + 2);
    expect_verdict(attempt, findings, student, cut, XDP_PASS, "a packet that ends before the port passes", 2);
    const Cable cable;
    const Link link = student.attach_to(student.object().programs().front().name(), "xdp:near");
    findings.expect(cable.ping(), "on a cable: a ping is answered", "an answer", "none", 1);
}

void check_every_second_ping(Attempt& attempt, Findings& findings) {
    StudentObject student(attempt);
    student.load(findings, 1);
    const Program& program = student.object().programs().front();
    findings.require(program.spec().kind.type == BPF_PROG_TYPE_SCHED_CLS, "it is a tc program", "SEC(\"tc\")",
                     program.spec().section, 1);
    const Cable cable;
    {
        const Link link = student.attach_to(program.name(), "tc/ingress:near");
        const int answered = cable.pings(4);
        findings.expect(answered == 2, "on a cable: of four pings two are answered", "2", std::to_string(answered), 2);
        cable.ping_from_near();
        const bool back = cable.ping_from_near();
        findings.expect(back, "answers to pings from here always come through", "an answer", "none", 3);
    }
    findings.expect(cable.pings(3) == 3, "once it is detached all are answered", "3 of 3", "fewer", 1);
    int passed = 0;
    for (int i = 0; i < 6; ++i) passed += verdict(attempt, student, packet("udp")) != TC_ACT_SHOT;
    findings.expect(passed == 6, "of six UDP packets all pass", "6", std::to_string(passed), 3);
}

constexpr Exercise exercises8[] = {
    {"chapter8/ping-and-reply", "ping_and_reply.bpf.c", "tell pings from the answers to them", check_ping_and_reply},
    {"chapter8/udp-port", "udp_port.bpf.c", "XDP: drop what is sent to one port", check_udp_port},
    {"chapter8/every-second-ping", "every_second_ping.bpf.c", "tc: lose every second ping", check_every_second_ping},
};

}  // namespace

std::span<const Exercise> chapter8_exercises() {
    return exercises8;
}

}  // namespace checker
