// Plays the kernel: descriptors, memory and files are kept in two tables, everything else is a constant.
#include <libminibpf/narrate/dry_run_gate.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>
#include <type_traits>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <libminibpf/kernel/page_size.hpp>

namespace minibpf {

namespace {

Answer made_up(long value) noexcept {
    return {.value = value, .origin = Origin::dry_run};
}

Answer refused(int error) noexcept {
    return {.value = -1, .error = error, .origin = Origin::dry_run};
}

template <class Call>
constexpr bool creates_fd =
    std::is_same_v<Call, MapCreate> || std::is_same_v<Call, ProgLoad> || std::is_same_v<Call, BtfLoad> ||
    std::is_same_v<Call, RawTracepointOpen> || std::is_same_v<Call, LinkCreate> || std::is_same_v<Call, IterCreate> ||
    std::is_same_v<Call, EnableStats> || std::is_same_v<Call, GetFdById> || std::is_same_v<Call, PerfEventOpen> ||
    std::is_same_v<Call, EpollCreate> || std::is_same_v<Call, PidfdOpen> || std::is_same_v<Call, PidfdGetFd>;

bool is_tracefs(std::string_view path) noexcept {
    return path.starts_with("/sys/kernel/tracing/") || path.starts_with("/sys/kernel/debug/tracing/");
}

// What a file would say on a machine that has the facility, or lets one look.
std::optional<std::string> plausible_content(std::string_view path) {
    if (path.starts_with("/sys/bus/event_source/devices/")) {
        if (path.ends_with("/kprobe/type")) return "8\n";
        if (path.ends_with("/uprobe/type")) return "9\n";
        if (path.ends_with("/format/retprobe")) return "config:0\n";
        if (path.ends_with("/format/ref_ctr_offset")) return "config:32-63\n";
        return "0\n";
    }
    if (is_tracefs(path)) return "0\n";
    return std::nullopt;
}

// Reading the trace pipe takes its lines away from whoever else reads it.
bool is_harmless_to_read(const OpenAt& call) noexcept {
    return (call.flags & O_ACCMODE) == O_RDONLY && !call.path.ends_with("/trace_pipe");
}

}  // namespace

void DryRunGate::Freed::operator()(void* memory) const noexcept {
    std::free(memory);
}

DryRunGate::~DryRunGate() {
    for (const auto& [address, mapped] : mappings_) {
        if (mapped.real_length > 0) next_.enter(Munmap{.address = address, .length = mapped.real_length});
    }
    for (const auto& [fd, file] : files_) {
        if (file.real_fd >= 0) next_.enter(Close{.fd = file.real_fd});
    }
}

Answer DryRunGate::enter(const Syscall& call, const Reason&) noexcept {
    try {
        return std::visit([this](const auto& request) { return answer(request); }, call);
    } catch (...) {
        return refused(ENOMEM);
    }
}

std::vector<int> DryRunGate::open_fds() const {
    std::vector<int> fds;
    for (const auto& [fd, file] : files_) fds.push_back(fd);
    return fds;
}

// POSIX gives the lowest number that is free, and so does this.
Answer DryRunGate::open(File file) {
    int fd = first_fd_;
    while (files_.contains(fd)) ++fd;
    files_.emplace(fd, std::move(file));
    return made_up(fd);
}

template <class Call>
Answer DryRunGate::answer(const Call&) {
    if constexpr (creates_fd<Call>) return open({});
    return made_up(0);
}

Answer DryRunGate::answer(const MapLookupElem& call) {
    std::fill(call.value.begin(), call.value.end(), std::byte{0});
    return made_up(0);
}

Answer DryRunGate::answer(const MapGetNextKey&) {
    return refused(ENOENT);
}

Answer DryRunGate::answer(const ObjGet&) {
    return refused(ENOENT);
}

Answer DryRunGate::answer(const GetNextId&) {
    return refused(ENOENT);
}

Answer DryRunGate::answer(const ObjGetInfoByFd& call) {
    std::fill(call.info.begin(), call.info.end(), std::byte{0});
    Answer filled = made_up(0);
    filled.out = static_cast<std::uint32_t>(call.info.size());
    return filled;
}

Answer DryRunGate::answer(const OpenAt& call) {
    if (!is_harmless_to_read(call)) return open({});
    const Answer real = next_.enter(call);
    if (real.ok()) {
        Answer opened = open({.real_fd = real.fd()});
        opened.origin = real.origin;
        return opened;
    }
    // In a tracefs that can be looked into, an event that is not there does not exist; without tracefs nobody knows.
    if (real.error == ENOENT && is_tracefs(call.path)) {
        const std::string root = call.path.substr(0, call.path.find("/tracing/") + std::strlen("/tracing/"));
        const Answer probe = next_.enter(OpenAt{.path = root + "available_events", .flags = O_RDONLY});
        if (probe.ok()) {
            next_.enter(Close{.fd = probe.fd()});
            return real;
        }
    }
    const bool is_out_of_reach = real.error == EACCES || real.error == EPERM || real.error == ENOENT;
    std::optional<std::string> content = is_out_of_reach ? plausible_content(call.path) : std::nullopt;
    if (!content) return real;
    return open({.content = std::move(*content)});
}

Answer DryRunGate::answer(const Read& call) {
    if (call.fd < first_fd_) return next_.enter(call);  // standard input, which was open before us
    const auto found = files_.find(call.fd);
    if (found == files_.end()) return refused(EBADF);
    File& file = found->second;
    if (file.real_fd >= 0) return next_.enter(Read{.fd = file.real_fd, .buffer = call.buffer});
    const std::size_t position = std::min(file.position, file.content.size());
    const std::size_t count = std::min(call.buffer.size(), file.content.size() - position);
    if (count > 0) std::memcpy(call.buffer.data(), file.content.data() + position, count);
    file.position += count;
    return made_up(static_cast<long>(count));
}

Answer DryRunGate::answer(const ReadDirectory& call) {
    const auto found = files_.find(call.fd);
    if (found == files_.end()) return refused(EBADF);
    if (found->second.real_fd < 0) return made_up(0);
    return next_.enter(ReadDirectory{.fd = found->second.real_fd, .buffer = call.buffer});
}

Answer DryRunGate::answer(const ReadLink& call) {
    return next_.enter(call);
}

Answer DryRunGate::answer(const Write& call) {
    return made_up(static_cast<long>(call.data.size()));
}

Answer DryRunGate::answer(const Lseek& call) {
    if (call.fd < first_fd_) return next_.enter(call);  // standard input, as in reading
    const auto found = files_.find(call.fd);
    if (found == files_.end()) return refused(EBADF);
    File& file = found->second;
    if (file.real_fd >= 0) {
        return next_.enter(Lseek{.fd = file.real_fd, .offset = call.offset, .whence = call.whence});
    }
    std::int64_t position = call.offset;
    if (call.whence == SEEK_CUR) position += static_cast<std::int64_t>(file.position);
    if (call.whence == SEEK_END) position += static_cast<std::int64_t>(file.content.size());
    if (position < 0) return refused(EINVAL);
    file.position = static_cast<std::size_t>(position);
    return made_up(position);
}

Answer DryRunGate::answer(const Close& call) {
    const auto found = files_.find(call.fd);
    if (found == files_.end()) return refused(EBADF);
    const int real_fd = found->second.real_fd;
    files_.erase(found);
    return real_fd >= 0 ? next_.enter(Close{.fd = real_fd}) : made_up(0);
}

// A file that can be read can be mapped, but only to be read. Everything else is memory from calloc(3), which is zero
// and, if it is as large as an arena, takes no room before it is touched. It lies where there is room, even when the
// call names an address: this process may have something there.
Answer DryRunGate::answer(const Mmap& call) {
    if (call.length == 0) return refused(EINVAL);
    const auto file = files_.find(call.fd);
    if (file != files_.end() && file->second.real_fd >= 0) {
        const Answer real = next_.enter(Mmap{.length = call.length,
                                             .prot = PROT_READ,
                                             .fd = file->second.real_fd,
                                             .offset = call.offset,
                                             .is_private = true});
        if (real.ok()) mappings_[static_cast<std::uintptr_t>(real.value)].real_length = call.length;
        return real;
    }
    const std::size_t page = page_size();
    if (call.length > SIZE_MAX - page) return refused(ENOMEM);
    std::unique_ptr<void, Freed> memory(std::calloc(1, call.length + page));
    if (memory == nullptr) return refused(ENOMEM);
    const std::uintptr_t address = (reinterpret_cast<std::uintptr_t>(memory.get()) + page - 1) / page * page;
    mappings_[address].memory = std::move(memory);
    return made_up(static_cast<long>(address));
}

Answer DryRunGate::answer(const Munmap& call) {
    const auto found = mappings_.find(call.address);
    if (found == mappings_.end()) return refused(EINVAL);
    const std::size_t real_length = found->second.real_length;
    mappings_.erase(found);
    return real_length > 0 ? next_.enter(Munmap{.address = call.address, .length = real_length}) : made_up(0);
}

Answer DryRunGate::answer(const GetPid& call) {
    return next_.enter(call);
}

// A socket that is only asked for numbers of interfaces does no harm; packet sockets and netlink take privileges or
// change something.
Answer DryRunGate::answer(const SocketCreate& call) {
    if (call.domain != AF_INET) return open({});
    const Answer real = next_.enter(call);
    return real.ok() ? open({.real_fd = real.fd()}) : real;
}

Answer DryRunGate::answer(const InterfaceIndex& call) {
    const auto found = files_.find(call.socket_fd);
    if (found == files_.end()) return refused(EBADF);
    return next_.enter(InterfaceIndex{.socket_fd = found->second.real_fd, .name = call.name});
}

Answer DryRunGate::answer(const SendTo& call) {
    last_request_ = read_at<nlmsghdr>(call.data, 0).value_or(nlmsghdr{});
    return made_up(static_cast<long>(call.data.size()));
}

// "Done", which is also what a list without an entry says.
Answer DryRunGate::answer(const ReceiveFrom& call) {
    struct Ack {
        nlmsghdr header;
        nlmsgerr error;
    } ack{};
    const bool is_dump = (last_request_.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
    const std::size_t length = is_dump ? sizeof(nlmsghdr) + sizeof(int) : sizeof(Ack);
    ack.header = {.nlmsg_len = static_cast<std::uint32_t>(length),
                  .nlmsg_type = static_cast<std::uint16_t>(is_dump ? NLMSG_DONE : NLMSG_ERROR),
                  .nlmsg_flags = static_cast<std::uint16_t>(is_dump ? NLM_F_MULTI : NLM_F_CAPPED),
                  .nlmsg_seq = last_request_.nlmsg_seq,
                  .nlmsg_pid = 0};
    ack.error.msg = last_request_;
    if (call.buffer.size() < length) return refused(EINVAL);
    std::memcpy(call.buffer.data(), &ack, length);
    return made_up(static_cast<long>(length));
}

}  // namespace minibpf
