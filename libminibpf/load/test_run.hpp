// Running a program without attaching it: BPF_PROG_TEST_RUN.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <linux/bpf.h>

#include <libminibpf/base/bytes.hpp>
#include <libminibpf/kernel/kernel_gate.hpp>

#pragma GCC visibility push(default)

namespace minibpf {

/// What a type of program is run on.
enum class TestInputKind {
    packet,   ///< XDP, tc, socket filters, cgroup_skb, ...: `data`, and `context` if one wants to say it
    context,  ///< syscall programs, raw tracepoints, sk_lookup: `context` alone
    nothing,  ///< tracing programs: the kernel calls functions of its own, bpf_fentry_test1() and so on
    none,     ///< cannot be run so: they must be attached
};
/// What BPF_PROG_TEST_RUN gives programs of that type.
TestInputKind test_input_kind(bpf_prog_type type) noexcept;

/// What the program is run on.
struct TestInput {
    Bytes data;
    Bytes context;
    std::uint32_t repeat = 1;
    std::optional<std::uint32_t> cpu;  ///< raw tracepoints: run it there
};

/// What came of it.
struct TestOutput {
    std::uint32_t retval = 0;
    std::uint32_t duration_ns = 0;  ///< of one run, on average; the kernel measures where it repeats
    Bytes data;                     ///< the packet as the program left it
    Bytes context;                  ///< likewise
};

/// Runs the program. Throws Error: the type cannot be run so (Blame::usage), or the kernel's refusal, explained.
TestOutput test_run(KernelGate& gate, int prog_fd, bpf_prog_type type, std::string_view name, const TestInput& input);

/// "XDP_DROP" for 1 of an XDP program, "TC_ACT_SHOT" for 2 of a tc program; empty where a number has no name.
std::string return_value_name(bpf_prog_type type, std::uint32_t retval);

/// A packet by name: "udp", "tcp", "icmp", "udp6", "arp", "zeros" (64 bytes, from 10.0.0.1 to 10.0.0.2 or from
/// fd00::1 to fd00::2); nothing for another name.
std::optional<Bytes> packet_by_name(std::string_view name);

}  // namespace minibpf

#pragma GCC visibility pop
