// Names of the calls, for titles and errors.
#include <libminibpf/kernel/syscall.hpp>

#include <array>

#include <sys/socket.h>

namespace minibpf {

namespace {

// In the order of the alternatives of Syscall. Where one alternative is several commands, the first of them.
constexpr std::array<std::string_view, std::variant_size_v<Syscall>> call_names = {
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
    "bpf(BPF_LINK_UPDATE)",
    "bpf(BPF_LINK_DETACH)",
    "bpf(BPF_ITER_CREATE)",
    "bpf(BPF_PROG_ATTACH)",
    "bpf(BPF_PROG_DETACH)",
    "bpf(BPF_PROG_TEST_RUN)",
    "bpf(BPF_ENABLE_STATS)",
    "bpf(BPF_OBJ_PIN)",
    "bpf(BPF_OBJ_GET)",
    "bpf(BPF_OBJ_GET_INFO_BY_FD)",
    "bpf(BPF_PROG_GET_NEXT_ID)",
    "bpf(BPF_PROG_GET_FD_BY_ID)",
    "perf_event_open",
    "ioctl(PERF_EVENT_IOC_SET_BPF)",
    "ioctl(PERF_EVENT_IOC_ENABLE)",
    "ioctl(PERF_EVENT_IOC_DISABLE)",
    "openat",
    "read",
    "write",
    "lseek",
    "getdents64",
    "readlink",
    "close",
    "mkdir",
    "unlink",
    "mmap",
    "munmap",
    "epoll_create1",
    "epoll_ctl(EPOLL_CTL_ADD)",
    "epoll_wait",
    "mount",
    "getpid",
    "pidfd_open",
    "pidfd_getfd",
    "socket",
    "ioctl(SIOCGIFINDEX)",
    "bind",
    "bind",
    "setsockopt",
    "sendto",
    "recvfrom",
};

// In the order of IdKind.
constexpr std::array<std::string_view, 4> next_id_names = {"bpf(BPF_PROG_GET_NEXT_ID)", "bpf(BPF_MAP_GET_NEXT_ID)",
                                                           "bpf(BPF_BTF_GET_NEXT_ID)", "bpf(BPF_LINK_GET_NEXT_ID)"};
constexpr std::array<std::string_view, 4> fd_by_id_names = {"bpf(BPF_PROG_GET_FD_BY_ID)", "bpf(BPF_MAP_GET_FD_BY_ID)",
                                                            "bpf(BPF_BTF_GET_FD_BY_ID)", "bpf(BPF_LINK_GET_FD_BY_ID)"};

}  // namespace

std::string_view call_name(const Syscall& call) noexcept {
    if (const GetNextId* next = std::get_if<GetNextId>(&call)) {
        return next_id_names[static_cast<std::size_t>(next->kind)];
    }
    if (const GetFdById* open = std::get_if<GetFdById>(&call)) {
        return fd_by_id_names[static_cast<std::size_t>(open->kind)];
    }
    return call_names[call.index()];
}

bool is_cleanup(const Syscall& call) noexcept {
    // "-:GROUP/EVENT" written to kprobe_events removes a probe (Documentation/trace/kprobetrace.rst).
    if (const Write* write = std::get_if<Write>(&call)) {
        return write->data.size() > 2 && write->data[0] == std::byte{'-'} && write->data[1] == std::byte{':'};
    }
    if (const MapDeleteElem* remove = std::get_if<MapDeleteElem>(&call)) return remove->undoes;
    if (const SetSocketOption* option = std::get_if<SetSocketOption>(&call))
        return option->level == SOL_SOCKET &&
               (option->name == SO_DETACH_BPF || option->name == SO_DETACH_REUSEPORT_BPF);
    if (const SendTo* send = std::get_if<SendTo>(&call)) return send->undoes;
    if (const ReceiveFrom* receive = std::get_if<ReceiveFrom>(&call)) return receive->undoes;
    return std::holds_alternative<Close>(call) || std::holds_alternative<Munmap>(call) ||
           std::holds_alternative<Unlink>(call) || std::holds_alternative<PerfEventDisable>(call) ||
           std::holds_alternative<LinkDetach>(call) || std::holds_alternative<ProgDetach>(call);
}

}  // namespace minibpf
