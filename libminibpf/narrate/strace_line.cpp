// One function per system call, `arguments(call)`: what strace prints at entry; and for the few whose arguments it
// prints when they return, `arguments(call, answer)`.
#include <libminibpf/narrate/strace_line.hpp>

#include <cstring>
#include <type_traits>

#include <fmt/format.h>

#include <fcntl.h>

#include <libminibpf/base/error.hpp>
#include <libminibpf/kernel/files.hpp>
#include <libminibpf/narrate/attr_fields.hpp>
#include <libminibpf/narrate/names.hpp>
#include <libminibpf/narrate/netlink_text.hpp>
#include <libminibpf/narrate/quote.hpp>

namespace minibpf {

namespace {

template <class T>
std::string address_text(const T* address) {
    return address == nullptr ? "NULL" : fmt::format("{:#x}", reinterpret_cast<std::uintptr_t>(address));
}

std::string bpf_text(const EncodedBpf& call, StraceVersion version) {
    return fmt::format("bpf({}, {}, {})", enum_text(bpf_commands, call.cmd, version),
                       struct_text(fields_of(call, version), has_unknown_bytes(call, version)), call.size);
}

std::string arguments(const PerfEventOpen& call, StraceVersion version) {
    return fmt::format("perf_event_open({}, {}, {}, {}, PERF_FLAG_FD_CLOEXEC)",
                       struct_text(fields_of(encode(call), version), true), call.pid, call.cpu, call.group_fd);
}

std::string arguments(const PerfEventSetBpf& call, StraceVersion) {
    return fmt::format("ioctl({}, PERF_EVENT_IOC_SET_BPF, {})", call.event_fd, call.prog_fd);
}

std::string arguments(const PerfEventEnable& call, StraceVersion) {
    return fmt::format("ioctl({}, PERF_EVENT_IOC_ENABLE, 0)", call.event_fd);
}

std::string arguments(const PerfEventDisable& call, StraceVersion) {
    return fmt::format("ioctl({}, PERF_EVENT_IOC_DISABLE, 0)", call.event_fd);
}

std::string arguments(const OpenAt& call, StraceVersion version) {
    const auto flags = static_cast<unsigned>(call.flags | O_CLOEXEC);
    return fmt::format("openat(AT_FDCWD, {}, {}|{})", quoted_text(call.path),
                       enum_text(open_access_modes, flags & O_ACCMODE, version),
                       flags_text(open_flags, flags & ~static_cast<unsigned>(O_ACCMODE), version));
}

std::string arguments(const Read& call, StraceVersion) {
    return fmt::format("read({}, {}, {})", call.fd, address_text(call.buffer.data()), call.buffer.size());
}

std::string arguments(const Read& call, const Answer& answer) {
    const std::size_t count = std::min(static_cast<std::size_t>(answer.value), call.buffer.size());
    return fmt::format("read({}, {}, {})", call.fd, quoted_bytes(call.buffer.first(count)), call.buffer.size());
}

std::string arguments(const Write& call, StraceVersion) {
    return fmt::format("write({}, {}, {})", call.fd, quoted_bytes(call.data), call.data.size());
}

std::string arguments(const Lseek& call, StraceVersion version) {
    return fmt::format("lseek({}, {}, {})", call.fd, call.offset,
                       enum_text(seek_origins, static_cast<unsigned>(call.whence), version));
}

std::string arguments(const ReadDirectory& call, StraceVersion) {
    return fmt::format("getdents64({}, {}, {})", call.fd, address_text(call.buffer.data()), call.buffer.size());
}

std::string arguments(const ReadDirectory& call, const Answer& answer) {
    const std::size_t count = directory_entries(call.buffer.first(static_cast<std::size_t>(answer.value))).size();
    return fmt::format("getdents64({}, {} /* {} entries */, {})", call.fd, address_text(call.buffer.data()), count,
                       call.buffer.size());
}

std::string arguments(const ReadLink& call, StraceVersion) {
    return fmt::format("readlink({}, {}, {})", quoted_text(call.path), address_text(call.buffer.data()),
                       call.buffer.size());
}

std::string arguments(const ReadLink& call, const Answer& answer) {
    const ByteView target = call.buffer.first(static_cast<std::size_t>(answer.value));
    return fmt::format("readlink({}, {}, {})", quoted_text(call.path), quoted_bytes(target), call.buffer.size());
}

std::string arguments(const Close& call, StraceVersion) {
    return fmt::format("close({})", call.fd);
}

std::string arguments(const Mkdir& call, StraceVersion) {
    return fmt::format("mkdir({}, {:#03o})", quoted_text(call.path), call.mode & 0xffff);
}

std::string arguments(const Unlink& call, StraceVersion) {
    return fmt::format("unlink({})", quoted_text(call.path));
}

std::string arguments(const Mmap& call, StraceVersion version) {
    return fmt::format("mmap({}, {}, {}, {}{}, {}, {})", address_text(reinterpret_cast<void*>(call.address)),
                       call.length, flags_text(mmap_protections, static_cast<unsigned>(call.prot), version),
                       call.is_private ? "MAP_PRIVATE" : "MAP_SHARED", call.address == 0 ? "" : "|MAP_FIXED", call.fd,
                       call.offset == 0 ? "0" : fmt::format("{:#x}", call.offset));
}

std::string arguments(const Munmap& call, StraceVersion) {
    return fmt::format("munmap({:#x}, {})", call.address, call.length);
}

std::string arguments(const EpollCreate&, StraceVersion) {
    return "epoll_create1(EPOLL_CLOEXEC)";
}

std::string epoll_event_text(std::uint32_t data) {
    return fmt::format("{{events=EPOLLIN, data={{u32={}, u64={}}}}}", data, data);
}

std::string arguments(const EpollAdd& call, StraceVersion) {
    return fmt::format("epoll_ctl({}, EPOLL_CTL_ADD, {}, {})", call.epoll_fd, call.fd, epoll_event_text(call.data));
}

std::string arguments(const EpollWait& call, StraceVersion) {
    return fmt::format("epoll_wait({}, {}, {}, {})", call.epoll_fd, address_text(call.ready.data()), call.ready.size(),
                       call.timeout_ms);
}

std::string arguments(const EpollWait& call, const Answer& answer) {
    std::string events;
    for (const std::uint32_t data :
         call.ready.first(std::min(static_cast<std::size_t>(answer.value), call.ready.size()))) {
        events += (events.empty() ? "" : ", ") + epoll_event_text(data);
    }
    return fmt::format("epoll_wait({}, [{}], {}, {})", call.epoll_fd, events, call.ready.size(), call.timeout_ms);
}

std::string arguments(const Mount& call, StraceVersion) {
    return fmt::format("mount({}, {}, {}, 0, NULL)", quoted_text(call.source), quoted_text(call.target),
                       quoted_text(call.filesystem));
}

std::string arguments(const PidfdOpen& call, StraceVersion) {
    return fmt::format("pidfd_open({}, 0)", call.pid);
}

std::string arguments(const PidfdGetFd& call, StraceVersion) {
    return fmt::format("pidfd_getfd({}, {}, 0)", call.pidfd, call.target_fd);
}

std::string arguments(const GetPid&, StraceVersion) {
    return "getpid()";
}

template <class Call>
requires requires(const Call& call) {
    socket_text(call);
}
std::string arguments(const Call& call, StraceVersion) {
    return socket_text(call);
}

std::string arguments(const SendTo& call, StraceVersion) {
    return fmt::format("sendto({}, {}, {}, 0, NULL, 0)", call.socket_fd, netlink_text(call.data), call.data.size());
}

std::string arguments(const ReceiveFrom& call, StraceVersion) {
    return fmt::format("recvfrom({}, {}, {}, 0, NULL, NULL)", call.socket_fd, address_text(call.buffer.data()),
                       call.buffer.size());
}

std::string arguments(const ReceiveFrom& call, const Answer& answer) {
    const std::size_t count = std::min(static_cast<std::size_t>(answer.value), call.buffer.size());
    return fmt::format("recvfrom({}, {}, {}, 0, NULL, NULL)", call.socket_fd, netlink_text(call.buffer.first(count)),
                       call.buffer.size());
}

// SIOCGIFINDEX's answer stands beside the name that was asked for.
std::string arguments(const InterfaceIndex& call, const Answer& answer) {
    std::string entry = socket_text(call);
    return entry.insert(entry.rfind('}'), fmt::format(", ifr_ifindex={}", answer.out));
}

std::string entry_text(const Syscall& call, AttrSize attr_size, StraceVersion version) {
    if (const std::optional<EncodedBpf> bpf = encode_bpf(call, attr_size)) return bpf_text(*bpf, version);
    return std::visit(
        [&](const auto& request) -> std::string {
            if constexpr (requires { arguments(request, version); }) {
                return arguments(request, version);
            } else {
                return {};  // not reached: the others are bpf commands
            }
        },
        call);
}

// BPF_OBJ_GET_INFO_BY_FD's info_len is what the call asked for, and after `=>` what it got.
std::string with_filled_length(std::string entry, const ObjGetInfoByFd& call, const Answer& answer) {
    if (answer.out == call.info.size()) return entry;
    const std::string asked = fmt::format("info_len={}", call.info.size());
    const std::size_t end = entry.find(asked) + asked.size();
    return entry.insert(end, fmt::format(" => {}", answer.out));
}

// GET_NEXT_ID's next_id: 6.1 shows what stood there at entry, and after `=>` what stands there now.
std::string with_next_id(std::string entry, const Answer& answer, StraceVersion version) {
    if (version >= StraceVersion::v7_2) return entry.insert(entry.find('}'), fmt::format(", next_id={}", answer.out));
    if (answer.out == 0) return entry;
    constexpr std::string_view at_entry = "next_id=0";
    return entry.insert(entry.find(at_entry) + at_entry.size(), fmt::format(" => {}", answer.out));
}

// strace 6.1 knows these commands by name only, and shows the attr's address. A dry run has none, and tells the fields.
std::optional<std::string> without_fields(const Syscall& call, const std::string& entry, const Answer& answer,
                                          StraceVersion version) {
    const bool is_known = !std::holds_alternative<LinkDetach>(call) && !std::holds_alternative<IterCreate>(call) &&
                          !std::holds_alternative<EnableStats>(call);
    if (is_known || version >= StraceVersion::v7_2 || answer.attr == 0) return std::nullopt;
    const std::size_t begin = entry.find('{');
    const std::size_t end = entry.rfind('}') + 1;
    return entry.substr(0, begin) + fmt::format("{:#x}", answer.attr) + entry.substr(end);
}

std::string_view mark(Origin origin) {
    switch (origin) {
        case Origin::kernel: return "";
        case Origin::injected: return " (INJECTED)";
        case Origin::dry_run: return " (DRY RUN)";
    }
    return "";
}

std::string error_text(int error) {
    constexpr int not_supported = 524;  // the kernel's own ENOTSUPP, which strerror(3) does not know
    if (error == not_supported) return "ENOTSUPP (Unknown error 524)";
    if (strerrorname_np(error) == nullptr) return fmt::format("(errno {})", error);
    return errno_text(error);
}

}  // namespace

StraceLine::StraceLine(const Syscall& call, AttrSize attr_size, StraceVersion version)
    : call_(call), version_(version), entry_(entry_text(call, attr_size, version)) {}

std::string StraceLine::finish(const Answer& answer) const {
    std::string text = entry_;
    if (answer.ok()) {
        if (const Read* read = std::get_if<Read>(&call_)) text = arguments(*read, answer);
        if (const ReadDirectory* read = std::get_if<ReadDirectory>(&call_)) text = arguments(*read, answer);
        if (const ReadLink* read = std::get_if<ReadLink>(&call_)) text = arguments(*read, answer);
        if (const ReceiveFrom* receive = std::get_if<ReceiveFrom>(&call_)) text = arguments(*receive, answer);
        if (const InterfaceIndex* index = std::get_if<InterfaceIndex>(&call_)) text = arguments(*index, answer);
        if (const EpollWait* wait = std::get_if<EpollWait>(&call_)) text = arguments(*wait, answer);
        if (const ObjGetInfoByFd* get = std::get_if<ObjGetInfoByFd>(&call_))
            text = with_filled_length(entry_, *get, answer);
    }
    if (std::optional<std::string> bare = without_fields(call_, entry_, answer, version_)) text = std::move(*bare);
    if (std::holds_alternative<GetNextId>(call_)) text = with_next_id(entry_, answer, version_);
    constexpr std::size_t result_column = 40;
    return fmt::format("{:<{}} {}{}", text, result_column - 1, result_text(call_, answer), mark(answer.origin));
}

std::string result_text(const Syscall& call, const Answer& answer) {
    if (!answer.ok()) return "= -1 " + error_text(answer.error);
    if (std::holds_alternative<Mmap>(call)) return fmt::format("= {:#x}", static_cast<unsigned long>(answer.value));
    return fmt::format("= {}", answer.value);
}

std::string strace_line(const Syscall& call, const Answer& answer, AttrSize attr_size, StraceVersion version) {
    return StraceLine(call, attr_size, version).finish(answer);
}

}  // namespace minibpf
