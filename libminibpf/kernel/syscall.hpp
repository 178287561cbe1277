// Every system call of minibpf, as a value: the reader's table of contents of the kernel ABI.
//
// A stage that needs the kernel builds one of these structs and hands it to a KernelGate; the Answer is what the kernel
// said. The fields carry the kernel's own names (include/uapi/linux/bpf.h, linux/perf_event.h, the man pages); where
// the ABI wants a pointer and a length, the struct has a span or a string. A call borrows: whoever makes it keeps the
// bytes alive while the gate is being entered, no longer. `encode.hpp` shows how each becomes the bytes that the kernel
// reads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <linux/bpf.h>

#include <libminibpf/base/bytes.hpp>

#pragma GCC visibility push(default)

namespace minibpf {

// bpf(2), maps -------------------------------------------------------------------------------------------------------

/// BPF_MAP_CREATE (Linux 3.18): answers the map's fd.
struct MapCreate {
    std::string name;                          ///< at most 15 characters of [A-Za-z0-9_.] (since 4.15)
    std::uint32_t type = BPF_MAP_TYPE_UNSPEC;  ///< bpf_map_type; a number, because an old header's enum ends too early
    std::uint32_t key_size = 0;                ///< bytes
    std::uint32_t value_size = 0;              ///< bytes
    std::uint32_t max_entries = 0;             ///< elements; for ring buffers bytes
    std::uint32_t map_flags = 0;               ///< BPF_F_*
    std::uint32_t inner_map_fd = 0;
    std::uint32_t numa_node = 0;
    std::uint32_t map_ifindex = 0;
    std::uint32_t btf_fd = 0;  ///< 0: no BTF
    std::uint32_t btf_key_type_id = 0;
    std::uint32_t btf_value_type_id = 0;
    std::uint32_t btf_vmlinux_value_type_id = 0;
    std::uint64_t map_extra = 0;
    std::uint32_t value_type_btf_obj_fd = 0;  ///< struct_ops of a module: its BTF; with BPF_F_VTYPE_BTF_OBJ_FD (6.9)
};

/// BPF_MAP_LOOKUP_ELEM (3.18): fills `value`; ENOENT when there is no such key.
struct MapLookupElem {
    int map_fd = -1;
    ByteView key;
    std::span<std::byte> value;  ///< per-CPU maps: round_up(value_size, 8) for each possible CPU
    std::uint64_t flags = 0;
};

/// BPF_MAP_UPDATE_ELEM (3.18).
struct MapUpdateElem {
    int map_fd = -1;
    ByteView key;
    ByteView value;
    std::uint64_t flags = BPF_ANY;
};

/// BPF_MAP_DELETE_ELEM (3.18).
struct MapDeleteElem {
    int map_fd = -1;
    ByteView key;
    bool undoes = false;  ///< takes back what an update of this process did: no gate refuses it
};

/// BPF_MAP_GET_NEXT_KEY (3.18): fills `next_key`; ENOENT after the last one.
struct MapGetNextKey {
    int map_fd = -1;
    ByteView key;  ///< empty: asks for the first key
    std::span<std::byte> next_key;
};

/// BPF_MAP_FREEZE (5.2): no further writes from user space, which lets the verifier treat values as constants.
struct MapFreeze {
    int map_fd = -1;
};

// bpf(2), programs, BTF, links ---------------------------------------------------------------------------------------

/// BPF_PROG_LOAD (3.18): answers the program's fd. The verifier writes into `log`.
struct ProgLoad {
    std::string name;                           ///< at most 15 characters of [A-Za-z0-9_.] (since 4.15)
    std::uint32_t type = BPF_PROG_TYPE_UNSPEC;  ///< bpf_prog_type, a number likewise
    std::span<const bpf_insn> insns;
    std::string license;
    std::uint32_t kern_version = 0;  ///< checked for kprobes before 5.0 only
    std::uint32_t prog_flags = 0;
    std::uint32_t prog_ifindex = 0;
    std::uint32_t expected_attach_type = 0;  ///< bpf_attach_type, a number likewise
    std::uint32_t prog_btf_fd = 0;           ///< 0: no BTF
    std::uint32_t func_info_rec_size = 0;
    ByteView func_info;
    std::uint32_t line_info_rec_size = 0;
    ByteView line_info;
    std::uint32_t attach_btf_id = 0;
    std::uint32_t attach_prog_fd = 0;  ///< or attach_btf_obj_fd (5.11), a module's BTF: both share this place
    std::span<const int> fd_array;     ///< what instructions refer to by index: modules' BTF, for kfuncs (5.14)
    std::uint32_t log_level = 0;       ///< 0: no log; 1: the path to the fault; 2: every instruction; |4: statistics
    std::span<char> log;
};

/// BPF_BTF_LOAD (4.18): answers the BTF object's fd.
struct BtfLoad {
    ByteView btf;
    std::uint32_t log_level = 0;
    std::span<char> log;
};

/// BPF_RAW_TRACEPOINT_OPEN (4.17): answers the link's fd; closing it detaches.
struct RawTracepointOpen {
    std::string name;  ///< "sys_enter"; empty for tp_btf, fentry and LSM programs, whose target was fixed at load
    int prog_fd = -1;
    std::uint64_t cookie = 0;  ///< what bpf_get_attach_cookie() gives the program (6.10)
};

// What a link needs to know beside program, target and attach type: link_create ends in a union of these. A cookie is
// what bpf_get_attach_cookie() gives the program.

/// BPF_PERF_EVENT (5.15).
struct PerfEventLink {
    std::uint64_t bpf_cookie = 0;
};

/// BPF_TRACE_KPROBE_MULTI (5.18), BPF_TRACE_KPROBE_SESSION (6.10): many functions, by name or by address.
struct KprobeMultiLink {
    std::uint32_t flags = 0;        ///< BPF_F_KPROBE_MULTI_RETURN
    std::vector<const char*> syms;  ///< borrowed, NUL-terminated; empty when there are addrs
    std::vector<std::uint64_t> addrs;
    std::vector<std::uint64_t> cookies;  ///< empty, or one for each function
};

/// BPF_TRACE_UPROBE_MULTI (6.6), BPF_TRACE_UPROBE_SESSION (6.13): many places in one file.
struct UprobeMultiLink {
    std::string path;
    std::vector<std::uint64_t> offsets;          ///< in the file, bytes
    std::vector<std::uint64_t> ref_ctr_offsets;  ///< of USDT semaphores in the file; empty, or one for each place
    std::vector<std::uint64_t> cookies;          ///< empty, or one for each place
    std::uint32_t flags = 0;                     ///< BPF_F_UPROBE_MULTI_RETURN
    std::uint32_t pid = 0;                       ///< 0: every process
};

/// BPF_TRACE_FENTRY and its like, BPF_LSM_MAC, and freplace (5.10; cookie 5.19).
struct TracingLink {
    std::uint32_t target_btf_id = 0;  ///< another function than at load; 0: the same
    std::uint64_t cookie = 0;
};

/// BPF_TRACE_ITER (5.8): `union bpf_iter_link_info`, what to iterate over. In 64 bytes because strace takes the length
/// for a number of elements of four bytes, and shows them all.
struct IterLink {
    std::array<std::uint32_t, 16> info{};
    std::uint32_t info_len = 0;  ///< bytes; 0: everything there is
};

/// BPF_NETFILTER (6.4).
struct NetfilterLink {
    std::uint32_t pf = 0;       ///< NFPROTO_IPV4, NFPROTO_IPV6 (linux/netfilter.h)
    std::uint32_t hooknum = 0;  ///< NF_INET_LOCAL_IN, ...
    std::int32_t priority = 0;  ///< the lowest runs first
    std::uint32_t flags = 0;    ///< BPF_F_NETFILTER_IP_DEFRAG
};

/// tcx (6.6), netkit (6.7) and cgroups (6.17): the place among other programs, with BPF_F_BEFORE or BPF_F_AFTER.
struct OrderedLink {
    std::uint32_t relative_fd = 0;  ///< or relative_id, with BPF_F_ID
    std::uint64_t expected_revision = 0;
};

/// What a link has besides its program, target and type, by the kind of its hook.
using LinkDetails = std::variant<std::monostate, PerfEventLink, KprobeMultiLink, UprobeMultiLink, TracingLink, IterLink,
                                 NetfilterLink, OrderedLink>;

/// BPF_LINK_CREATE (5.7): answers the link's fd; closing it detaches.
struct LinkCreate {
    int prog_fd = -1;               ///< struct_ops: the map's
    int target_fd = -1;             ///< a cgroup, a perf event, ...; for XDP, tcx and netkit the interface's number
    std::uint32_t attach_type = 0;  ///< bpf_attach_type, a number likewise
    std::uint32_t flags = 0;
    LinkDetails details = {};
};

/// BPF_LINK_UPDATE (5.7): the link runs another program from now on.
struct LinkUpdate {
    int link_fd = -1;
    int new_prog_fd = -1;
    std::uint32_t flags = 0;  ///< BPF_F_REPLACE: only if old_prog_fd is what it runs
    int old_prog_fd = 0;
};

/// BPF_LINK_DETACH (5.9): the program runs no more, though the link is still there.
struct LinkDetach {
    int link_fd = -1;
};

/// BPF_ITER_CREATE (5.8): answers an fd; reading it runs the iterator.
struct IterCreate {
    int link_fd = -1;
    std::uint32_t flags = 0;
};

/// BPF_PROG_ATTACH (4.10): the older way, for cgroups, sockmaps and network namespaces (and since 6.6 for tcx). It
/// lasts until BPF_PROG_DETACH, or as long as the target does.
struct ProgAttach {
    int target_fd = -1;  ///< for tcx and netkit the interface's number
    int attach_bpf_fd = -1;
    std::uint32_t attach_type = 0;   ///< bpf_attach_type, a number likewise
    std::uint32_t attach_flags = 0;  ///< BPF_F_ALLOW_OVERRIDE, BPF_F_ALLOW_MULTI, BPF_F_REPLACE, BPF_F_BEFORE, ...
    int replace_bpf_fd = 0;          ///< with BPF_F_REPLACE
    OrderedLink order = {};
};

/// BPF_PROG_DETACH (4.10).
struct ProgDetach {
    int target_fd = -1;
    int attach_bpf_fd = -1;  ///< which program; 0 where there can be one only
    std::uint32_t attach_type = 0;
};

/// What a test run writes back.
struct ProgTestResult {
    std::uint32_t retval = 0;         ///< what the program returned, in the last repetition
    std::uint32_t duration_ns = 0;    ///< of one repetition, on average
    std::uint32_t data_size_out = 0;  ///< bytes of the packet that came out, even where `data_out` was too short for it
    std::uint32_t ctx_size_out = 0;   ///< bytes
};

/// BPF_PROG_TEST_RUN (4.12), BPF_PROG_RUN by its newer name: runs the program once or many times on made-up input,
/// attached or not. Which program types take it, and whether they want a packet, a context or neither, is for each
/// type's test_run() in the kernel to say (net/bpf/test_run.c). ENOSPC: `data_out` is too short, the rest is done.
struct ProgTestRun {
    int prog_fd = -1;
    ByteView data;  ///< the packet; at least 14 bytes, an Ethernet header
    std::span<std::byte> data_out;
    std::uint32_t repeat = 0;  ///< 0 is 1
    ByteView ctx;              ///< struct __sk_buff, xdp_md, the arguments of a raw tracepoint, of a syscall program
    std::span<std::byte> ctx_out;
    std::uint32_t flags = 0;           ///< BPF_F_TEST_RUN_ON_CPU (5.10), BPF_F_TEST_XDP_LIVE_FRAMES (5.18)
    std::uint32_t cpu = 0;             ///< with BPF_F_TEST_RUN_ON_CPU
    std::uint32_t batch_size = 0;      ///< packets at a time, with BPF_F_TEST_XDP_LIVE_FRAMES
    ProgTestResult* result = nullptr;  ///< borrowed; where it is filled in
};

/// BPF_ENABLE_STATS (5.8): counts runs and their time, of all programs, until the fd that it answers is closed.
struct EnableStats {
    std::uint32_t type = 0;  ///< BPF_STATS_RUN_TIME, which is 0
};

/// BPF_OBJ_PIN (4.4): gives an fd's object a name in a bpffs.
struct ObjPin {
    std::string pathname;
    int bpf_fd = -1;
};

/// BPF_OBJ_GET (4.4): answers an fd of the object pinned there.
struct ObjGet {
    std::string pathname;
};

/// BPF_OBJ_GET_INFO_BY_FD (4.13): fills `info` (a bpf_prog_info, bpf_map_info, ...); Answer::out is the filled length.
struct ObjGetInfoByFd {
    int bpf_fd = -1;
    std::span<std::byte> info;
};

/// What has an id: a number that the kernel gives to each object, for as long as the object lives.
enum class IdKind { prog, map, btf, link };

/// BPF_PROG_GET_NEXT_ID, BPF_MAP_GET_NEXT_ID (4.13), BPF_BTF_GET_NEXT_ID (5.4), BPF_LINK_GET_NEXT_ID (5.8): Answer::out
/// is the lowest id above `start_id`; ENOENT after the last one.
struct GetNextId {
    IdKind kind{};
    std::uint32_t start_id = 0;
};

/// BPF_PROG_GET_FD_BY_ID, BPF_MAP_GET_FD_BY_ID (4.13), BPF_BTF_GET_FD_BY_ID (4.18), BPF_LINK_GET_FD_BY_ID (5.8):
/// answers an fd of the object; ENOENT when it is gone.
struct GetFdById {
    IdKind kind{};
    std::uint32_t id = 0;
};

// perf events --------------------------------------------------------------------------------------------------------

/// perf_event_open(2): answers the event's fd. Always with PERF_FLAG_FD_CLOEXEC.
struct PerfEventOpen {
    std::uint32_t type = 0;  ///< PERF_TYPE_*, or the number in /sys/bus/event_source/devices/PMU/type
    std::uint64_t config = 0;
    std::uint64_t sample_period = 0;
    std::uint64_t sample_freq = 0;  ///< samples per second, in the place of sample_period
    std::uint64_t sample_type = 0;  ///< PERF_SAMPLE_*
    std::uint32_t wakeup_events = 0;
    std::string kprobe_func;         ///< config1 points to this: kprobe PMU a function's name, uprobe PMU a file's path
    std::uint64_t probe_offset = 0;  ///< kprobe and uprobe PMU, config2: in the function, or in the file
    int pid = -1;                    ///< -1: every process
    int cpu = 0;                     ///< -1: every CPU (only with a pid)
    int group_fd = -1;
};

/// ioctl(event_fd, PERF_EVENT_IOC_SET_BPF, prog_fd): runs the program at each hit of the event (4.1).
struct PerfEventSetBpf {
    int event_fd = -1;
    int prog_fd = -1;
};

/// ioctl(event_fd, PERF_EVENT_IOC_ENABLE, 0).
struct PerfEventEnable {
    int event_fd = -1;
};

/// ioctl(event_fd, PERF_EVENT_IOC_DISABLE, 0).
struct PerfEventDisable {
    int event_fd = -1;
};

// files, memory, waiting ---------------------------------------------------------------------------------------------

/// openat(AT_FDCWD, path, flags | O_CLOEXEC): answers the fd.
struct OpenAt {
    std::string path;
    int flags = 0;  ///< O_RDONLY, O_WRONLY | O_APPEND, ... (fcntl.h)
};

/// read(2): answers the number of bytes put into `buffer`, 0 at the end of the file.
struct Read {
    int fd = -1;
    std::span<std::byte> buffer;
};

/// write(2): answers the number of bytes written.
struct Write {
    int fd = -1;
    ByteView data;
};

/// lseek(2): answers the new position, which for (0, SEEK_END) is the file's size.
struct Lseek {
    int fd = -1;
    std::int64_t offset = 0;
    int whence = 0;  ///< SEEK_SET, SEEK_END, ... (unistd.h)
};

/// getdents64(2): puts entries of an open directory into `buffer`, each a struct dirent64 (dirent.h); answers their
/// bytes, 0 after the last entry.
struct ReadDirectory {
    int fd = -1;
    std::span<std::byte> buffer;  ///< EINVAL when the next entry does not fit
};

/// readlink(2): puts where a symbolic link points to into `buffer`, cut to its size and without a NUL; answers the
/// bytes.
struct ReadLink {
    std::string path;
    std::span<std::byte> buffer;
};

/// close(2).
struct Close {
    int fd = -1;
};

/// mkdir(2): for the directories that pins are put in.
struct Mkdir {
    std::string path;
    std::uint32_t mode = 0;  ///< 0700
};

/// unlink(2): removes a pin.
struct Unlink {
    std::string path;
};

/// mmap(address, length, prot, MAP_SHARED, fd, offset): answers the address.
struct Mmap {
    std::size_t length = 0;
    int prot = 0;  ///< PROT_READ | PROT_WRITE
    int fd = -1;
    std::uint64_t offset = 0;
    bool is_private = false;     ///< MAP_PRIVATE: /sys/kernel/btf/vmlinux, which can be mapped since 6.16, wants it so
    std::uintptr_t address = 0;  ///< MAP_FIXED at this address, for arenas; 0: wherever there is room
};

/// munmap(2).
struct Munmap {
    std::uintptr_t address = 0;
    std::size_t length = 0;
};

/// epoll_create1(EPOLL_CLOEXEC): answers the epoll fd.
struct EpollCreate {};

/// epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, {events=EPOLLIN, data=data}).
struct EpollAdd {
    int epoll_fd = -1;
    int fd = -1;
    std::uint32_t data = 0;  ///< comes back from EpollWait when `fd` is ready
};

/// epoll_wait(epoll_fd, ready, ready.size(), timeout_ms): answers how many are ready. Ready entries are the `data`s.
/// Part of the event path: narrators leave it out (docs/decisions/0002-event-path.md).
struct EpollWait {
    int epoll_fd = -1;
    std::span<std::uint32_t> ready;
    int timeout_ms = -1;  ///< -1: for ever
};

/// mount(source, target, filesystem, 0, NULL): for tracefs and bpffs.
struct Mount {
    std::string source;
    std::string target;
    std::string filesystem;
};

/// getpid(2): names tracefs probes after the process that owns them.
struct GetPid {};

/// pidfd_open(2) (5.3): answers a descriptor that stands for the process.
struct PidfdOpen {
    int pid = 0;
};

/// pidfd_getfd(2) (5.6): answers a descriptor of ours for what another process's descriptor stands for. Takes the right
/// to trace that process (ptrace(2)).
struct PidfdGetFd {
    int pidfd = -1;
    int target_fd = -1;  ///< in the other process
};

// sockets ------------------------------------------------------------------------------------------------------------

/// socket(domain, type | SOCK_CLOEXEC, protocol): answers the socket's fd.
struct SocketCreate {
    int domain = 0;    ///< AF_INET, AF_PACKET, AF_NETLINK (sys/socket.h)
    int type = 0;      ///< SOCK_DGRAM, SOCK_RAW, with SOCK_NONBLOCK
    int protocol = 0;  ///< 0, NETLINK_ROUTE; for AF_PACKET an ETH_P_* in the machine's own byte order
};

/// ioctl(socket, SIOCGIFINDEX): Answer::out is the number of the network interface; ENODEV when there is none of this
/// name in the socket's network namespace.
struct InterfaceIndex {
    int socket_fd = -1;
    std::string name;  ///< at most 15 characters
};

/// bind(2) of a packet socket: from now on it receives what passes this one interface.
struct BindPacket {
    int socket_fd = -1;
    std::uint16_t protocol = 0;  ///< ETH_P_ALL, in the machine's own byte order
    std::uint32_t interface = 0;
};

/// bind(2) of a netlink socket to an address that the kernel chooses.
struct BindNetlink {
    int socket_fd = -1;
};

/// setsockopt(2) with an int: SO_ATTACH_BPF (3.19) and SO_ATTACH_REUSEPORT_EBPF (4.5) take a program's fd.
struct SetSocketOption {
    int socket_fd = -1;
    int level = 0;  ///< SOL_SOCKET, SOL_NETLINK
    int name = 0;   ///< SO_ATTACH_BPF, NETLINK_EXT_ACK, ...
    int value = 0;
};

/// sendto(2) of a netlink message to the kernel; netlink.hpp writes them.
struct SendTo {
    int socket_fd = -1;
    ByteView data;
    bool undoes = false;  ///< takes away what an earlier message made: such calls are clean-up
};

/// recvfrom(2): answers the number of bytes put into `buffer`.
struct ReceiveFrom {
    int socket_fd = -1;
    std::span<std::byte> buffer;
    bool undoes = false;  ///< the answer to a SendTo that undoes
};

/// A system call: one of all that minibpf makes.
using Syscall =
    std::variant<MapCreate, MapLookupElem, MapUpdateElem, MapDeleteElem, MapGetNextKey, MapFreeze, ProgLoad, BtfLoad,
                 RawTracepointOpen, LinkCreate, LinkUpdate, LinkDetach, IterCreate, ProgAttach, ProgDetach, ProgTestRun,
                 EnableStats, ObjPin, ObjGet, ObjGetInfoByFd, GetNextId, GetFdById, PerfEventOpen, PerfEventSetBpf,
                 PerfEventEnable, PerfEventDisable, OpenAt, Read, Write, Lseek, ReadDirectory, ReadLink, Close, Mkdir,
                 Unlink, Mmap, Munmap, EpollCreate, EpollAdd, EpollWait, Mount, GetPid, PidfdOpen, PidfdGetFd,
                 SocketCreate, InterfaceIndex, BindPacket, BindNetlink, SetSocketOption, SendTo, ReceiveFrom>;

/// Who answered a call. Narrators mark what the kernel never heard of, as strace does.
enum class Origin {
    kernel,    ///< the kernel
    injected,  ///< a gate that refuses calls: fault injection, "quit" while stepping
    dry_run,   ///< a gate that makes no calls at all
};

/// What the kernel said. EPERM is an answer, not yet an error.
struct Answer {
    long value = 0;           ///< >= 0 on success: an fd, a count, an address
    int error = 0;            ///< errno, 0 on success
    std::uint32_t out = 0;    ///< what the kernel wrote back beside it: ObjGetInfoByFd's info_len, GetNextId's next_id,
                              ///< InterfaceIndex's number
    std::uintptr_t attr = 0;  ///< where the bpf_attr lay: strace shows no more of a command that it does not know
    Origin origin = Origin::kernel;

    bool ok() const noexcept { return error == 0; }              ///< whether the kernel did it
    int fd() const noexcept { return static_cast<int>(value); }  ///< `value` of a call that answers a descriptor
};

/// The call's name as an error or a title spells it: "bpf(BPF_MAP_CREATE)", "perf_event_open", "openat".
std::string_view call_name(const Syscall& call) noexcept;

/// Whether the call gives something back (close, munmap, unlinking a pin, disabling an event, removing a probe).
/// Clean-up is made even after "quit".
bool is_cleanup(const Syscall& call) noexcept;

}  // namespace minibpf

#pragma GCC visibility pop
