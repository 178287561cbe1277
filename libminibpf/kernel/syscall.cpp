// Names of the calls, for titles and errors.
#include <libminibpf/kernel/syscall.hpp>

#include <array>

namespace minibpf {

namespace {

// In the order of the alternatives of Syscall.
constexpr std::array<std::string_view, std::variant_size_v<Syscall>> names = {
    "bpf(BPF_MAP_CREATE)",
    "bpf(BPF_MAP_LOOKUP_ELEM)",
    "bpf(BPF_MAP_UPDATE_ELEM)",
    "bpf(BPF_MAP_DELETE_ELEM)",
    "bpf(BPF_MAP_GET_NEXT_KEY)",
    "bpf(BPF_MAP_FREEZE)",
    "bpf(BPF_PROG_LOAD)",
    "bpf(BPF_BTF_LOAD)",
    "bpf(BPF_RAW_TRACEPOINT_OPEN)",
    "bpf(BPF_LINK_CREATE)",
    "bpf(BPF_OBJ_PIN)",
    "bpf(BPF_OBJ_GET)",
    "bpf(BPF_OBJ_GET_INFO_BY_FD)",
    "perf_event_open",
    "ioctl(PERF_EVENT_IOC_SET_BPF)",
    "ioctl(PERF_EVENT_IOC_ENABLE)",
    "ioctl(PERF_EVENT_IOC_DISABLE)",
    "openat",
    "read",
    "write",
    "close",
    "mmap",
    "munmap",
    "epoll_create1",
    "epoll_ctl(EPOLL_CTL_ADD)",
    "epoll_wait",
    "mount",
    "getpid",
};

}  // namespace

std::string_view call_name(const Syscall& call) noexcept {
    return names[call.index()];
}

bool is_cleanup(const Syscall& call) noexcept {
    // "-:GROUP/EVENT" written to kprobe_events removes a probe (Documentation/trace/kprobetrace.rst).
    if (const Write* write = std::get_if<Write>(&call)) {
        return write->data.size() > 2 && write->data[0] == std::byte{'-'} && write->data[1] == std::byte{':'};
    }
    return std::holds_alternative<Close>(call) || std::holds_alternative<Munmap>(call) ||
           std::holds_alternative<PerfEventDisable>(call);
}

}  // namespace minibpf
