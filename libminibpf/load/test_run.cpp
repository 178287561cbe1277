// Running programs on made-up input (net/bpf/test_run.c in the kernel).
//
// Each program type has a test_run() of its own or none, and each wants other arguments: those for packets take a
// packet of at least an Ethernet header and give it back as the program left it; syscall programs and raw tracepoints
// take a context and refuse everything else, a repetition and room for output included (EINVAL).
#include <libminibpf/load/test_run.hpp>

#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include <libminibpf/kernel/kernel_error.hpp>
#include <libminibpf/object/hook.hpp>

namespace minibpf {

namespace {

constexpr std::size_t room_for_growth = 512;  // for what a program puts before or behind the packet
constexpr std::size_t ethernet_header = 14;

std::string test_hint(int error, TestInputKind kind) {
    constexpr int not_supported = 524;
    if (error == not_supported || error == EOPNOTSUPP)
        return "this kernel cannot run programs of this type so: attach it";
    if (error != EINVAL) return {};
    if (kind == TestInputKind::packet) {
        return "a packet has at least 14 bytes, and the program's type may want a whole IP packet: --packet udp";
    }
    return "a program wants at least as much context as it reads (raw tracepoints: 8 bytes an argument), and before "
           "Linux 5.10 none";
}

void put16(Bytes& packet, std::size_t at, std::uint16_t value) {
    packet[at] = static_cast<std::byte>(value >> 8);
    packet[at + 1] = static_cast<std::byte>(value & 0xff);
}

void put_bytes(Bytes& packet, std::size_t at, std::initializer_list<int> values) {
    for (const int value : values) packet[at++] = static_cast<std::byte>(value);
}

// RFC 1071: the complement of the sum of all 16-bit words.
std::uint16_t internet_checksum(ByteView bytes) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
        sum += std::to_integer<std::uint32_t>(bytes[i]) << 8 | std::to_integer<std::uint32_t>(bytes[i + 1]);
    }
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

constexpr std::size_t packet_size = 64;

Bytes ethernet_packet(std::uint16_t protocol) {
    Bytes packet(packet_size);
    put_bytes(packet, 0, {0x02, 0, 0, 0, 0, 2, 0x02, 0, 0, 0, 0, 1});
    put16(packet, 12, protocol);
    return packet;
}

constexpr int protocol_icmp = 1, protocol_tcp = 6, protocol_udp = 17;

// From port 4711 to port 7, or an echo request.
void put_transport(Bytes& packet, std::size_t at, int protocol) {
    if (protocol == protocol_icmp) {
        put_bytes(packet, at, {8, 0});
        put16(packet, at + 2, internet_checksum(ByteView(packet).subspan(at)));
        return;
    }
    put16(packet, at, 4711);
    put16(packet, at + 2, 7);
    if (protocol == protocol_udp) put16(packet, at + 4, static_cast<std::uint16_t>(packet.size() - at));
    if (protocol == protocol_tcp) put_bytes(packet, at + 12, {5 << 4, 0x02});  // 20 bytes of header; SYN
}

Bytes ipv4_packet(int protocol) {
    Bytes packet = ethernet_packet(0x0800);
    const std::size_t ip = ethernet_header;
    put_bytes(packet, ip, {0x45, 0});
    put16(packet, ip + 2, packet_size - ethernet_header);
    put_bytes(packet, ip + 8, {64, protocol});
    put_bytes(packet, ip + 12, {10, 0, 0, 1, 10, 0, 0, 2});
    put16(packet, ip + 10, internet_checksum(ByteView(packet).subspan(ip, 20)));
    put_transport(packet, ip + 20, protocol);
    return packet;
}

Bytes ipv6_packet() {
    Bytes packet = ethernet_packet(0x86dd);
    const std::size_t ip = ethernet_header;
    put_bytes(packet, ip, {0x60});
    put16(packet, ip + 4, packet_size - ethernet_header - 40);
    put_bytes(packet, ip + 6, {protocol_udp, 64, 0xfd});
    put_bytes(packet, ip + 23, {1, 0xfd});
    put_bytes(packet, ip + 39, {2});
    put_transport(packet, ip + 40, protocol_udp);
    return packet;
}

Bytes arp_packet() {
    Bytes packet = ethernet_packet(0x0806);
    put_bytes(packet, ethernet_header, {0, 1, 8, 0, 6, 4, 0, 1, 0x02, 0, 0, 0, 0, 1, 10, 0, 0, 1});
    put_bytes(packet, ethernet_header + 24, {10, 0, 0, 2});
    return packet;
}

template <std::size_t N>
std::string name_in(const std::array<std::string_view, N>& names, std::uint32_t number) {
    return number < N ? std::string(names[number]) : std::string();
}

}  // namespace

TestInputKind test_input_kind(bpf_prog_type type) noexcept {
    switch (type) {
        case BPF_PROG_TYPE_SOCKET_FILTER:
        case BPF_PROG_TYPE_SCHED_CLS:
        case BPF_PROG_TYPE_SCHED_ACT:
        case BPF_PROG_TYPE_XDP:
        case BPF_PROG_TYPE_CGROUP_SKB:
        case BPF_PROG_TYPE_LWT_IN:
        case BPF_PROG_TYPE_LWT_OUT:
        case BPF_PROG_TYPE_LWT_XMIT:
        case BPF_PROG_TYPE_LWT_SEG6LOCAL:
        case BPF_PROG_TYPE_FLOW_DISSECTOR: return TestInputKind::packet;
        case BPF_PROG_TYPE_RAW_TRACEPOINT:
        case BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE:
        case BPF_PROG_TYPE_SK_LOOKUP:
        case BPF_PROG_TYPE_SYSCALL: return TestInputKind::context;
        case BPF_PROG_TYPE_TRACING: return TestInputKind::nothing;
        default: return TestInputKind::none;
    }
}

TestOutput test_run(KernelGate& gate, int prog_fd, bpf_prog_type type, std::string_view name, const TestInput& input) {
    const TestInputKind kind = test_input_kind(type);
    if (kind == TestInputKind::none) {
        throw_usage(fmt::format("program '{}': programs of type {} cannot be run without being attached", name,
                                program_type_name(type)),
                    "attach it: loader run");
    }
    TestOutput output;
    ProgTestResult result;
    ProgTestRun call{.prog_fd = prog_fd, .ctx = input.context, .result = &result};
    if (kind == TestInputKind::packet) {
        output.data.resize(input.data.size() + room_for_growth);
        output.context.resize(input.context.size());
        call.data = input.data;
        call.data_out = output.data;
        call.repeat = input.repeat;
        call.ctx_out = output.context;
    } else if (type == BPF_PROG_TYPE_SK_LOOKUP) {
        call.repeat = input.repeat;
    } else if (type == BPF_PROG_TYPE_SYSCALL) {
        output.context = input.context;  // where the program writes is where it read
        call.ctx = output.context;
    } else if (input.cpu) {
        call.flags = BPF_F_TEST_RUN_ON_CPU;
        call.cpu = *input.cpu;
    }
    const Answer answer = gate.enter(call, [&] {
        return fmt::format("{} runs {}, without being attached", name,
                           call.repeat > 1 ? fmt::format("{} times", call.repeat) : "once");
    });
    if (!answer.ok() && answer.error != ENOSPC) {
        throw kernel_error(fmt::format("running program '{}'", name), call, answer, test_hint(answer.error, kind));
    }
    output.retval = result.retval;
    output.duration_ns = result.duration_ns;
    if (kind == TestInputKind::packet) {
        output.data.resize(std::min<std::size_t>(output.data.size(), result.data_size_out));
        output.context.resize(std::min<std::size_t>(output.context.size(), result.ctx_size_out));
    }
    return output;
}

std::string return_value_name(bpf_prog_type type, std::uint32_t retval) {
    static constexpr std::array<std::string_view, 5> xdp = {"XDP_ABORTED", "XDP_DROP", "XDP_PASS", "XDP_TX",
                                                            "XDP_REDIRECT"};
    static constexpr std::array<std::string_view, 9> tc = {"TC_ACT_OK",     "TC_ACT_RECLASSIFY", "TC_ACT_SHOT",
                                                           "TC_ACT_PIPE",   "TC_ACT_STOLEN",     "TC_ACT_QUEUED",
                                                           "TC_ACT_REPEAT", "TC_ACT_REDIRECT",   "TC_ACT_TRAP"};
    switch (type) {
        case BPF_PROG_TYPE_XDP: return name_in(xdp, retval);
        case BPF_PROG_TYPE_SCHED_CLS:
        case BPF_PROG_TYPE_SCHED_ACT: return retval == 0xffffffff ? "TC_ACT_UNSPEC" : name_in(tc, retval);
        default: return {};
    }
}

std::optional<Bytes> packet_by_name(std::string_view name) {
    if (name == "udp") return ipv4_packet(protocol_udp);
    if (name == "tcp") return ipv4_packet(protocol_tcp);
    if (name == "icmp") return ipv4_packet(protocol_icmp);
    if (name == "udp6") return ipv6_packet();
    if (name == "arp") return arp_packet();
    if (name == "zeros") return Bytes(packet_size);
    return std::nullopt;
}

}  // namespace minibpf
