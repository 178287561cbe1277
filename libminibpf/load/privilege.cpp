// What a program's type takes against what /proc/self/status says of this process.
#include <libminibpf/load/privilege.hpp>

#include <cerrno>
#include <charconv>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/capability.h>

#include <libminibpf/kernel/files.hpp>
#include <libminibpf/object/uapi.hpp>

namespace minibpf {

namespace {

constexpr std::uint64_t bit(unsigned capability) noexcept {
    return std::uint64_t{1} << capability;
}

constexpr std::pair<unsigned, const char*> capability_names[] = {{cap_bpf, "CAP_BPF"},
                                                                 {cap_perfmon, "CAP_PERFMON"},
                                                                 {CAP_NET_ADMIN, "CAP_NET_ADMIN"},
                                                                 {CAP_SYS_ADMIN, "CAP_SYS_ADMIN"}};

}  // namespace

std::optional<std::uint64_t> effective_capabilities(std::string_view status) {
    constexpr std::string_view key = "\nCapEff:\t";
    const std::size_t at = status.find(key);
    if (at == std::string_view::npos) return std::nullopt;
    const std::string_view text = status.substr(at + key.size(), status.find('\n', at + 1) - at - key.size());
    std::uint64_t bits = 0;
    const auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), bits, 16);
    if (problem != std::errc() || rest != text.data() + text.size()) return std::nullopt;
    return bits;
}

std::uint64_t capabilities_for(bpf_prog_type type) noexcept {
    switch (static_cast<std::uint32_t>(type)) {
        case BPF_PROG_TYPE_KPROBE:
        case BPF_PROG_TYPE_TRACEPOINT:
        case BPF_PROG_TYPE_PERF_EVENT:
        case BPF_PROG_TYPE_RAW_TRACEPOINT:
        case BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE:
        case BPF_PROG_TYPE_TRACING:
        case BPF_PROG_TYPE_LSM:
        case BPF_PROG_TYPE_STRUCT_OPS: return bit(cap_bpf) | bit(cap_perfmon);
        case BPF_PROG_TYPE_EXT: return bit(cap_bpf) | bit(cap_perfmon) | bit(CAP_NET_ADMIN);
        case BPF_PROG_TYPE_SCHED_CLS:
        case BPF_PROG_TYPE_SCHED_ACT:
        case BPF_PROG_TYPE_XDP:
        case BPF_PROG_TYPE_LWT_IN:
        case BPF_PROG_TYPE_LWT_OUT:
        case BPF_PROG_TYPE_LWT_XMIT:
        case BPF_PROG_TYPE_LWT_SEG6LOCAL:
        case BPF_PROG_TYPE_SK_SKB:
        case BPF_PROG_TYPE_SK_MSG:
        case BPF_PROG_TYPE_SK_LOOKUP:
        case BPF_PROG_TYPE_FLOW_DISSECTOR:
        case BPF_PROG_TYPE_CGROUP_SKB:  // loads without; is attached with it
        case BPF_PROG_TYPE_CGROUP_DEVICE:
        case BPF_PROG_TYPE_CGROUP_SOCK:
        case BPF_PROG_TYPE_CGROUP_SOCK_ADDR:
        case BPF_PROG_TYPE_CGROUP_SOCKOPT:
        case BPF_PROG_TYPE_CGROUP_SYSCTL:
        case BPF_PROG_TYPE_SOCK_OPS:
        case uapi::BPF_PROG_TYPE_NETFILTER: return bit(cap_bpf) | bit(CAP_NET_ADMIN);
        default: return bit(cap_bpf);
    }
}

std::string missing_capability_hint(KernelGate& gate, std::uint64_t wanted, SysAdmin admin) {
    const std::optional<std::string> status = read_text(gate, "/proc/self/status");
    const auto effective = status ? effective_capabilities(*status) : std::nullopt;
    if (!effective) return {};
    if (admin == SysAdmin::counts && (*effective & bit(CAP_SYS_ADMIN)) != 0) return {};
    std::vector<const char*> missing;
    for (const auto& [capability, name] : capability_names) {
        if ((wanted & ~*effective & bit(capability)) != 0) missing.push_back(name);
    }
    if (missing.empty()) return {};
    return fmt::format("{} {} missing: run as root, or grant {}", fmt::join(missing, " and "),
                       missing.size() == 1 ? "is" : "are", missing.size() == 1 ? "it" : "them");
}

Error with_missing_capability(KernelGate& gate, const Error& error, std::uint64_t wanted) {
    const ErrorDetail& detail = error.detail();
    if ((detail.code != EPERM && detail.code != EACCES) || !detail.kernel_log.empty()) return error;
    std::string hint = missing_capability_hint(gate, wanted);
    return hint.empty() ? error : error.with_hint(std::move(hint)).with_blame(Blame::facility);
}

}  // namespace minibpf
