// Which capability is missing, where the kernel says no more than EPERM or EACCES.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <libminibpf/base/error.hpp>
#include <libminibpf/kernel/kernel_gate.hpp>
#include <libminibpf/object/hook.hpp>

namespace minibpf {

/// The set of capabilities behind "CapEff:" in the text of /proc/self/status, a bit for each; nothing without it.
std::optional<std::uint64_t> effective_capabilities(std::string_view status);

constexpr unsigned cap_perfmon = 38, cap_bpf = 39;  // Linux 5.8; CAP_SYS_ADMIN includes them, as it did before

/// The capabilities that loading and attaching a program of this type takes, a bit for each (kernel/bpf/syscall.c,
/// is_net_admin_prog_type() and is_perfmon_prog_type()).
std::uint64_t capabilities_for(bpf_prog_type type) noexcept;

/// Whether CAP_SYS_ADMIN stands for the others: bpf(2) and perf_event_open(2) take it in their place, netlink and
/// sockets do not.
enum class SysAdmin { counts, does_not_count };

/// "CAP_PERFMON is missing: ..." when this process lacks some of `wanted`; empty when it has all, or it cannot be seen.
std::string missing_capability_hint(KernelGate& gate, std::uint64_t wanted, SysAdmin admin = SysAdmin::counts);

/// An EPERM or EACCES with the hint above, if a capability is what is missing; any other error as it is. The verifier's
/// are its judgement of the program.
Error with_missing_capability(KernelGate& gate, const Error& error, std::uint64_t wanted);

}  // namespace minibpf
