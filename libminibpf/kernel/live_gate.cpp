// Where every call of minibpf enters the kernel.
//
// bpf(2) and perf_event_open(2) have no wrapper in the C library, so syscall(2) makes them by number; the rest go
// through their ordinary wrappers, which do no more than set errno.
#include <libminibpf/kernel/live_gate.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace minibpf {

namespace {

Answer answer_from(long value) noexcept {
    if (value >= 0) return {.value = value};
    return {.value = -1, .error = errno};
}

Answer make(const PerfEventOpen& call) noexcept {
    perf_event_attr attr = encode(call);
    return answer_from(syscall(__NR_perf_event_open, &attr, call.pid, call.cpu, call.group_fd, PERF_FLAG_FD_CLOEXEC));
}

Answer make(const PerfEventSetBpf& call) noexcept {
    return answer_from(ioctl(call.event_fd, PERF_EVENT_IOC_SET_BPF, call.prog_fd));
}

Answer make(const PerfEventEnable& call) noexcept {
    return answer_from(ioctl(call.event_fd, PERF_EVENT_IOC_ENABLE, 0));
}

Answer make(const PerfEventDisable& call) noexcept {
    return answer_from(ioctl(call.event_fd, PERF_EVENT_IOC_DISABLE, 0));
}

Answer make(const OpenAt& call) noexcept {
    return answer_from(openat(AT_FDCWD, call.path.c_str(), call.flags | O_CLOEXEC));
}

Answer make(const Read& call) noexcept {
    return answer_from(read(call.fd, call.buffer.data(), call.buffer.size()));
}

Answer make(const Write& call) noexcept {
    return answer_from(write(call.fd, call.data.data(), call.data.size()));
}

Answer make(const Lseek& call) noexcept {
    return answer_from(lseek(call.fd, call.offset, call.whence));
}

Answer make(const ReadDirectory& call) noexcept {
    return answer_from(getdents64(call.fd, call.buffer.data(), call.buffer.size()));
}

Answer make(const ReadLink& call) noexcept {
    return answer_from(readlink(call.path.c_str(), reinterpret_cast<char*>(call.buffer.data()), call.buffer.size()));
}

Answer make(const Close& call) noexcept {
    return answer_from(close(call.fd));
}

Answer make(const Mkdir& call) noexcept {
    return answer_from(mkdir(call.path.c_str(), call.mode));
}

Answer make(const Unlink& call) noexcept {
    return answer_from(unlink(call.path.c_str()));
}

Answer make(const Mmap& call) noexcept {
    const int flags = (call.is_private ? MAP_PRIVATE : MAP_SHARED) | (call.address == 0 ? 0 : MAP_FIXED);
    void* address = mmap(reinterpret_cast<void*>(call.address), call.length, call.prot, flags, call.fd,
                         static_cast<off_t>(call.offset));
    if (address == MAP_FAILED) return {.value = -1, .error = errno};
    return {.value = reinterpret_cast<long>(address)};
}

Answer make(const Munmap& call) noexcept {
    return answer_from(munmap(reinterpret_cast<void*>(call.address), call.length));
}

Answer make(const EpollCreate&) noexcept {
    return answer_from(epoll_create1(EPOLL_CLOEXEC));
}

Answer make(const EpollAdd& call) noexcept {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = call.data;
    return answer_from(epoll_ctl(call.epoll_fd, EPOLL_CTL_ADD, call.fd, &event));
}

Answer make(const EpollWait& call) noexcept {
    std::array<epoll_event, 64> events{};
    const std::size_t wanted = std::min(events.size(), call.ready.size());
    const int count = epoll_wait(call.epoll_fd, events.data(), static_cast<int>(wanted), call.timeout_ms);
    for (int i = 0; i < count; ++i) {
        const auto index = static_cast<std::size_t>(i);
        call.ready[index] = static_cast<std::uint32_t>(events[index].data.u64);
    }
    return answer_from(count);
}

Answer make(const Mount& call) noexcept {
    return answer_from(mount(call.source.c_str(), call.target.c_str(), call.filesystem.c_str(), 0, nullptr));
}

Answer make(const GetPid&) noexcept {
    return answer_from(getpid());
}

Answer make(const PidfdOpen& call) noexcept {
    return answer_from(syscall(SYS_pidfd_open, call.pid, 0));
}

Answer make(const PidfdGetFd& call) noexcept {
    return answer_from(syscall(SYS_pidfd_getfd, call.pidfd, call.target_fd, 0));
}

Answer make(const SocketCreate& call) noexcept {
    const int protocol =
        call.domain == AF_PACKET ? htons(static_cast<std::uint16_t>(call.protocol)) : call.protocol;  // as ETH_P_* want
    return answer_from(socket(call.domain, call.type | SOCK_CLOEXEC, protocol));
}

Answer make(const InterfaceIndex& call) noexcept {
    ifreq request{};
    const std::size_t length = std::min(call.name.size(), sizeof(request.ifr_name) - 1);
    if (length > 0) std::memcpy(request.ifr_name, call.name.data(), length);
    Answer answer = answer_from(ioctl(call.socket_fd, SIOCGIFINDEX, &request));
    if (answer.ok()) answer.out = static_cast<std::uint32_t>(request.ifr_ifindex);
    return answer;
}

Answer make(const BindPacket& call) noexcept {
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(call.protocol);
    address.sll_ifindex = static_cast<int>(call.interface);
    return answer_from(bind(call.socket_fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)));
}

Answer make(const BindNetlink& call) noexcept {
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    return answer_from(bind(call.socket_fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)));
}

Answer make(const SetSocketOption& call) noexcept {
    return answer_from(setsockopt(call.socket_fd, call.level, call.name, &call.value, sizeof(call.value)));
}

Answer make(const SendTo& call) noexcept {
    return answer_from(sendto(call.socket_fd, call.data.data(), call.data.size(), 0, nullptr, 0));
}

Answer make(const ReceiveFrom& call) noexcept {
    return answer_from(recvfrom(call.socket_fd, call.buffer.data(), call.buffer.size(), 0, nullptr, nullptr));
}

// The kernel writes lengths and ids back into the attr it was passed.
std::uint32_t written_back(const EncodedBpf& encoded) noexcept {
    switch (encoded.cmd) {
        case BPF_OBJ_GET_INFO_BY_FD: return encoded.attr.info.info_len;
        case BPF_PROG_GET_NEXT_ID:
        case BPF_MAP_GET_NEXT_ID:
        case BPF_BTF_GET_NEXT_ID:
        case BPF_LINK_GET_NEXT_ID: return encoded.attr.next_id;
        default: return 0;
    }
}

void write_back(const EncodedBpf& encoded, const Syscall& call) noexcept {
    const ProgTestRun* run = std::get_if<ProgTestRun>(&call);
    if (run == nullptr || run->result == nullptr) return;
    const auto& test = encoded.attr.test;
    *run->result = {.retval = test.retval,
                    .duration_ns = test.duration,
                    .data_size_out = test.data_size_out,
                    .ctx_size_out = test.ctx_size_out};
}

}  // namespace

Answer LiveGate::enter(const Syscall& call, const Reason&) noexcept {
    if (std::optional<EncodedBpf> encoded = encode_bpf(call, attr_size_)) {
        Answer answer = answer_from(syscall(__NR_bpf, encoded->cmd, &encoded->attr, encoded->size));
        answer.out = written_back(*encoded);
        write_back(*encoded, call);
        answer.attr = reinterpret_cast<std::uintptr_t>(&encoded->attr);
        return answer;
    }
    return std::visit(
        [](const auto& request) -> Answer {
            if constexpr (requires { make(request); }) {
                return make(request);
            } else {
                return {.value = -1, .error = ENOSYS};  // not reached: the others are bpf commands
            }
        },
        call);
}

}  // namespace minibpf
