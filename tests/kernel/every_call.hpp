#pragma once
// Every call that the gate can make, in good ways and in bad ones: what the strace mirror is tested with.

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/perf_event.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libminibpf/kernel/kernel_gate.hpp>
#include <libminibpf/kernel/netlink.hpp>

namespace minibpf::test {

// Where the compared part begins and ends: the narration's first and last lines, found in strace's file too.
inline constexpr const char* begin_path = "/strace-driver-begins";
inline constexpr const char* end_path = "/strace-driver-ends";

inline bpf_insn mov64_imm(std::uint8_t dst, std::int32_t imm) {
    return {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = static_cast<__u8>(dst & 0xf), .imm = imm};
}
inline bpf_insn exit_insn() {
    return {.code = BPF_JMP | BPF_EXIT};
}

// A BTF blob of one type: int (4 bytes, signed), and a struct-free string section.
inline std::vector<std::uint8_t> small_btf() {
    return {0x9f, 0xeb, 1,   0,   24, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 16, 0, 0, 0, 5, 0, 0, 0,  // header
            1,    0,    0,   0,   0,  0, 0, 1, 4, 0, 0, 0, 32, 0, 0, 1,                           // INT 'int'
            0,    'i',  'n', 't', 0};
}

inline ByteView view(const std::vector<std::uint8_t>& bytes) {
    return std::as_bytes(std::span(bytes));
}

class EveryCall {
public:
    // `directory` becomes a bpffs, in a mount namespace of this process's own.
    EveryCall(KernelGate& gate, std::filesystem::path directory) : gate_(gate), directory_(std::move(directory)) {
        std::ifstream("/sys/kernel/tracing/events/syscalls/sys_enter_openat/id") >> tracepoint_id_;
        if (unshare(CLONE_NEWNS) == 0) mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    }

    void run() {
        gate_.enter(OpenAt{.path = begin_path, .flags = O_RDONLY});
        maps();
        elements();
        btf();
        programs();
        pins_and_infos();
        ids();
        perf_events();
        links();
        test_runs();
        files();
        memory_and_waiting();
        sockets();
        gate_.enter(GetPid{});
        gate_.enter(OpenAt{.path = end_path, .flags = O_RDONLY});
    }

    // Network interfaces are shown by their names, which the narrator has to look up in files.
    void run_offload() {
        for (const std::uint32_t index : {1u, 4711u}) {
            close_again(MapCreate{.name = "offloaded",
                                  .type = BPF_MAP_TYPE_HASH,
                                  .key_size = 4,
                                  .value_size = 4,
                                  .max_entries = 1,
                                  .map_ifindex = index});
            close_again(
                ProgLoad{.name = "offloaded", .type = BPF_PROG_TYPE_XDP, .license = "GPL", .prog_ifindex = index});
        }
    }

    // What the kernel says over netlink, which names interfaces too. Changes "lo": for a network namespace of its own.
    void run_network() {
        netlink_ = keep(SocketCreate{.domain = AF_NETLINK, .type = SOCK_RAW, .protocol = NETLINK_ROUTE});
        gate_.enter(SetSocketOption{.socket_fd = netlink_, .level = SOL_NETLINK, .name = NETLINK_EXT_ACK, .value = 1});
        gate_.enter(BindNetlink{.socket_fd = netlink_});
        const int packets = keep(SocketCreate{.domain = AF_PACKET, .type = SOCK_RAW | SOCK_NONBLOCK});
        for (const std::uint32_t interface : {0u, 1u, 4711u})
            gate_.enter(BindPacket{.socket_fd = packets, .protocol = ETH_P_ALL, .interface = interface});
        xdp_messages();
        tc_messages();
        std::array<std::byte, 64> buffer{};
        gate_.enter(ReceiveFrom{.socket_fd = -1, .buffer = buffer});
    }

private:
    static constexpr std::uint32_t clsact_ = 0xfffffff1;

    void ask(const NetlinkMessage& message) {
        std::array<std::byte, 8192> buffer{};
        gate_.enter(SendTo{.socket_fd = netlink_, .data = message.bytes()});
        gate_.enter(ReceiveFrom{.socket_fd = netlink_, .buffer = buffer});
    }

    void xdp_messages() {
        for (const std::uint32_t flags : {0u, 1u, 2u, 4u, 8u, 5u, 16u, 17u, 31u}) {
            for (const int interface : {0, 1, 4711}) {
                NetlinkMessage message(RTM_SETLINK, NLM_F_ACK, flags);
                ifinfomsg link{};
                link.ifi_index = interface;
                message.append(link);
                const std::size_t xdp = message.begin_nested(IFLA_XDP);
                message.add(IFLA_XDP_FD, bytes_of(std::int32_t{flags == 4 ? -1 : 99}));
                message.add(IFLA_XDP_FLAGS, flags);
                if ((flags & 16) != 0) message.add(IFLA_XDP_EXPECTED_FD, bytes_of(std::int32_t{98}));
                message.end_nested(xdp);
                ask(message);
            }
        }
    }

    NetlinkMessage tc_message(std::uint16_t type, int flags, std::uint32_t handle, std::uint32_t parent,
                              std::uint32_t info, const char* kind) {
        NetlinkMessage message(type, static_cast<std::uint16_t>(flags), 7);
        tcmsg tc{};
        tc.tcm_ifindex = 1;
        tc.tcm_handle = handle;
        tc.tcm_parent = parent;
        tc.tcm_info = info;
        message.append(tc);
        if (kind != nullptr) message.add_string(TCA_KIND, kind);
        return message;
    }

    void tc_messages() {
        constexpr int make = NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
        constexpr std::uint32_t info = 1u << 16 | 0x300;
        constexpr std::uint32_t ingress = clsact_ + 1;
        ask(tc_message(RTM_DELQDISC, NLM_F_ACK, 0xffff0000, clsact_, 0, "clsact"));
        for (int i = 0; i < 2; ++i) ask(tc_message(RTM_NEWQDISC, make, 0xffff0000, clsact_, 0, "clsact"));
        ask(tc_message(RTM_NEWQDISC, make, 0xffff0000, clsact_, 0, "a kind of which nobody has ever heard"));
        ask(tc_message(RTM_GETTFILTER, NLM_F_DUMP, 0, ingress, 0, nullptr));
        NetlinkMessage filter = tc_message(RTM_NEWTFILTER, make, 1, ingress, info, "bpf");
        const std::size_t options = filter.begin_nested(TCA_OPTIONS);
        filter.add(TCA_BPF_FD, 99u);
        filter.add_string(TCA_BPF_NAME, "a_name_of_some_length");
        filter.add(TCA_BPF_FLAGS, 1u);
        filter.end_nested(options);
        ask(filter);
        ask(tc_message(RTM_DELTFILTER, NLM_F_ACK, 1, ingress, info, "bpf"));
        ask(tc_message(RTM_DELQDISC, NLM_F_ACK, 0xffff0000, clsact_, 0, "clsact"));
    }

    void sockets() {
        const int socket = keep(SocketCreate{.domain = AF_INET, .type = SOCK_DGRAM});
        for (const char* name : {"lo", "no_such_name", "quote\"d\n", "", "exactly15chars_", "more_than_15_characters"})
            gate_.enter(InterfaceIndex{.socket_fd = socket, .name = name});
        gate_.enter(InterfaceIndex{.socket_fd = -1, .name = "lo"});
        for (const int option : {SO_ATTACH_BPF, SO_ATTACH_REUSEPORT_EBPF, SO_DETACH_BPF, SO_DETACH_REUSEPORT_BPF}) {
            for (const int value : {-1, 0, 77})
                gate_.enter(SetSocketOption{.socket_fd = socket, .level = SOL_SOCKET, .name = option, .value = value});
        }
        gate_.enter(Close{.fd = socket});
        for (const int protocol : {0, ETH_P_ALL, ETH_P_IP})
            close_again(SocketCreate{.domain = AF_PACKET, .type = SOCK_RAW | SOCK_NONBLOCK, .protocol = protocol});
        close_again(SocketCreate{.domain = AF_NETLINK, .type = SOCK_RAW, .protocol = NETLINK_ROUTE});
        close_again(SocketCreate{.domain = AF_INET6, .type = SOCK_STREAM});
    }

    int keep(const Syscall& call) { return gate_.enter(call).fd(); }
    void close_again(const Syscall& call) {
        const Answer answer = gate_.enter(call);
        if (answer.ok()) gate_.enter(Close{.fd = answer.fd()});
    }

    void maps() {
        for (std::uint32_t type = 0; type <= 40; ++type) {
            close_again(MapCreate{
                .name = "m" + std::to_string(type), .type = type, .key_size = 4, .value_size = 8, .max_entries = 4096});
        }
        for (int bit = 0; bit < 32; ++bit) {
            close_again(MapCreate{.name = "flagged",
                                  .type = BPF_MAP_TYPE_HASH,
                                  .key_size = 4,
                                  .value_size = 4,
                                  .max_entries = 1,
                                  .map_flags = 1u << bit});
        }
        close_again(MapCreate{.type = BPF_MAP_TYPE_ARRAY,
                              .key_size = 4,
                              .value_size = 4,
                              .max_entries = 1,
                              .map_flags = BPF_F_RDONLY_PROG | BPF_F_MMAPABLE});
        close_again(MapCreate{.name = "exactly_fifteen",
                              .type = BPF_MAP_TYPE_ARRAY,
                              .key_size = 4,
                              .value_size = 4,
                              .max_entries = 1,
                              .map_flags = 0x80000400});
        close_again(MapCreate{.name = "bad \"name\"\n",
                              .type = BPF_MAP_TYPE_ARRAY,
                              .key_size = 4,
                              .value_size = 4,
                              .max_entries = 1,
                              .map_flags = 0x80000000});
        close_again(MapCreate{.name = "numa",
                              .type = BPF_MAP_TYPE_HASH,
                              .key_size = 4,
                              .value_size = 4,
                              .max_entries = 1,
                              .map_flags = BPF_F_NUMA_NODE,
                              .numa_node = 0});
        close_again(MapCreate{.name = "numa",
                              .type = BPF_MAP_TYPE_HASH,
                              .key_size = 4,
                              .value_size = 4,
                              .max_entries = 1,
                              .map_flags = BPF_F_NUMA_NODE,
                              .numa_node = 0xffffffff});
        close_again(MapCreate{.name = "numa",
                              .type = BPF_MAP_TYPE_HASH,
                              .key_size = 4,
                              .value_size = 4,
                              .max_entries = 1,
                              .numa_node = 7});
        close_again(MapCreate{.name = "everything",
                              .type = BPF_MAP_TYPE_HASH,
                              .key_size = 4,
                              .value_size = 4,
                              .max_entries = 1,
                              .inner_map_fd = 77,
                              .btf_fd = 99,
                              .btf_key_type_id = 1,
                              .btf_value_type_id = 2,
                              .btf_vmlinux_value_type_id = 3,
                              .map_extra = 0x123456789abc});
        close_again(MapCreate{.name = "module_ops",
                              .type = BPF_MAP_TYPE_HASH,
                              .key_size = 4,
                              .value_size = 4,
                              .max_entries = 1,
                              .map_flags = 1u << 15,
                              .value_type_btf_obj_fd = 99});
        close_again(MapCreate{
            .name = "bloom", .type = BPF_MAP_TYPE_BLOOM_FILTER, .value_size = 4, .max_entries = 10, .map_extra = 3});
    }

    void elements() {
        hash_ = keep(
            MapCreate{.name = "hash", .type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 8, .max_entries = 4});
        const std::array<std::byte, 4> key{};
        std::array<std::byte, 8> value{};
        std::array<std::byte, 4> next_key{};
        for (const std::uint64_t flags : {0ull, 1ull, 2ull, 3ull, 4ull, 5ull, 8ull, 0x100000000ull}) {
            gate_.enter(MapUpdateElem{.map_fd = hash_, .key = key, .value = value, .flags = flags});
            gate_.enter(MapLookupElem{.map_fd = hash_, .key = key, .value = value, .flags = flags});
        }
        gate_.enter(MapUpdateElem{.map_fd = 555, .key = key, .value = value});
        gate_.enter(MapUpdateElem{.map_fd = -1, .key = {}, .value = value});
        gate_.enter(MapGetNextKey{.map_fd = hash_, .key = {}, .next_key = next_key});
        gate_.enter(MapGetNextKey{.map_fd = hash_, .key = key, .next_key = next_key});
        gate_.enter(MapDeleteElem{.map_fd = hash_, .key = key});
        gate_.enter(MapDeleteElem{.map_fd = hash_, .key = key});
        gate_.enter(MapFreeze{.map_fd = hash_});
        gate_.enter(MapFreeze{.map_fd = -1});
        const int events = keep(MapCreate{
            .name = "events", .type = BPF_MAP_TYPE_PERF_EVENT_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1});
        gate_.enter(
            MapLookupElem{.map_fd = events, .key = key, .value = value});  // ENOTSUPP, which has no name in errno.h
        gate_.enter(Close{.fd = events});
    }

    void btf() {
        std::vector<char> log(4096);
        const std::vector<std::uint8_t> good = small_btf();
        btf_ = keep(BtfLoad{.btf = view(good)});
        close_again(BtfLoad{.btf = view(good), .log_level = 1, .log = log});
        const std::vector<std::uint8_t> bad = {0x9f, 0xeb, 2, 0, 9};
        close_again(BtfLoad{.btf = view(bad)});
        close_again(BtfLoad{.btf = view(bad), .log_level = 1, .log = log});
        close_again(BtfLoad{});
        close_again(MapCreate{.name = "typed",
                              .type = BPF_MAP_TYPE_HASH,
                              .key_size = 4,
                              .value_size = 4,
                              .max_entries = 1,
                              .btf_fd = static_cast<std::uint32_t>(btf_),
                              .btf_key_type_id = 1,
                              .btf_value_type_id = 1});
    }

    void programs() {
        const std::array<bpf_insn, 2> good = {mov64_imm(0, 0), exit_insn()};
        const std::array<bpf_insn, 1> bad = {exit_insn()};
        prog_ = keep(ProgLoad{.name = "hello", .type = BPF_PROG_TYPE_TRACEPOINT, .insns = good, .license = "GPL"});
        raw_prog_ = keep(
            ProgLoad{.name = "raw", .type = BPF_PROG_TYPE_RAW_TRACEPOINT, .insns = good, .license = "Dual MIT/GPL"});
        for (std::uint32_t type = 0; type <= 36; ++type) {
            close_again(ProgLoad{.name = "p" + std::to_string(type),
                                 .type = type,
                                 .insns = good,
                                 .license = "GPL",
                                 .kern_version = 0x060123});
        }
        for (std::uint32_t type = 0; type <= 64; ++type) {
            close_again(
                ProgLoad{.type = BPF_PROG_TYPE_CGROUP_SKB, .insns = good, .license = "", .expected_attach_type = type});
        }
        for (int bit = 0; bit < 32; ++bit) {
            close_again(ProgLoad{.name = "flagged",
                                 .type = BPF_PROG_TYPE_XDP,
                                 .insns = good,
                                 .license = "GPL",
                                 .prog_flags = 1u << bit});
        }
        close_again(ProgLoad{
            .name = "flagged", .type = BPF_PROG_TYPE_XDP, .insns = good, .license = "GPL", .prog_flags = 0x80000003});
        std::vector<char> log(4096);
        ProgLoad logged{
            .name = "logged", .type = BPF_PROG_TYPE_KPROBE, .insns = bad, .license = "GPL", .log_level = 1, .log = log};
        close_again(logged);
        logged.log_level = 7;
        close_again(logged);  // the buffer holds the first log now
        std::array<char, 8> tiny{};
        logged.log = tiny;
        close_again(logged);
        logged.log = {};
        close_again(logged);
        std::array<char, 32> full;
        full.fill('x');
        logged.log = full;
        logged.log_level = 0;
        close_again(logged);
        full[31] = '\0';
        close_again(logged);
        close_again(ProgLoad{.type = BPF_PROG_TYPE_XDP, .insns = good, .license = std::string(32, 'x')});
        close_again(ProgLoad{.type = BPF_PROG_TYPE_XDP, .insns = good, .license = std::string(33, 'x')});
        close_again(ProgLoad{.type = BPF_PROG_TYPE_XDP,
                             .insns = good,
                             .license = "a\"b\\c\n\t\x01"
                                        "7\x80\xff"});
        close_again(ProgLoad{.type = BPF_PROG_TYPE_XDP, .insns = {}, .license = "GPL"});
        const std::array<bpf_func_info, 1> functions{};
        const std::array<bpf_line_info, 1> lines{};
        close_again(ProgLoad{.name = "with_btf",
                             .type = BPF_PROG_TYPE_XDP,
                             .insns = good,
                             .license = "GPL",
                             .prog_btf_fd = static_cast<std::uint32_t>(btf_),
                             .func_info_rec_size = 8,
                             .func_info = std::as_bytes(std::span(functions)),
                             .line_info_rec_size = 16,
                             .line_info = std::as_bytes(std::span(lines)),
                             .attach_btf_id = 11,
                             .attach_prog_fd = 12});
        const std::array<int, 2> fd_array{0, 99};
        close_again(ProgLoad{
            .name = "kfuncs", .type = BPF_PROG_TYPE_XDP, .insns = good, .license = "GPL", .fd_array = fd_array});
    }

    void pins_and_infos() {
        gate_.enter(Mount{.source = "bpf", .target = directory_, .filesystem = "bpf"});
        gate_.enter(Mount{.source = "none", .target = "/no such directory", .filesystem = "tracefs"});
        const std::string path = directory_ / "a_name_that_together_is_longer_than_32_bytes";
        gate_.enter(ObjPin{.pathname = path, .bpf_fd = prog_});
        close_again(ObjGet{.pathname = path});
        gate_.enter(Unlink{.path = path});
        gate_.enter(Unlink{.path = path});
        close_again(ObjGet{.pathname = path});
        const std::string folder = directory_ / "folder";
        for (const std::uint32_t mode : {0700u, 0u, 07u, 070u, 01777u, 0x1ffffu}) {
            gate_.enter(Mkdir{.path = folder, .mode = mode});
        }
        gate_.enter(Mkdir{.path = "/no such directory/a name of more than 32 bytes\n", .mode = 0755});
        gate_.enter(Unlink{.path = folder});
        gate_.enter(ObjPin{.pathname = "/sys/fs/bpf/quote\"d\n", .bpf_fd = -1});
        std::array<std::byte, 512> info{};
        for (const int fd : {hash_, prog_, btf_, -1}) {
            for (const std::size_t size : {0ul, 8ul, 88ul, 104ul, 512ul}) {
                gate_.enter(ObjGetInfoByFd{.bpf_fd = fd, .info = std::span(info).first(size)});
                info.fill(std::byte{0});
            }
        }
    }

    // Ids from 0 on, and what has them; the first BTF is vmlinux's.
    void ids() {
        for (const IdKind kind : {IdKind::prog, IdKind::map, IdKind::btf, IdKind::link}) {
            const Answer first = gate_.enter(GetNextId{.kind = kind, .start_id = 0});
            for (const std::uint32_t id : {0x7ffffffeu, 0x7fffffffu, 0x80000001u}) {
                gate_.enter(GetNextId{.kind = kind, .start_id = id});
                close_again(GetFdById{.kind = kind, .id = id});
            }
            close_again(GetFdById{.kind = kind, .id = first.out});
        }
    }

    void perf_events() {
        for (std::uint32_t type = 0; type <= 12; ++type) {
            for (std::uint64_t config = 0; config <= 13; ++config) {
                close_again(PerfEventOpen{.type = type, .config = config, .pid = 0, .cpu = -1});
            }
            close_again(PerfEventOpen{.type = type, .config = 0x01020304, .pid = 0, .cpu = -1});
        }
        for (int bit = 0; bit < 64; ++bit) {
            close_again(PerfEventOpen{.type = PERF_TYPE_SOFTWARE,
                                      .config = PERF_COUNT_SW_DUMMY,
                                      .sample_period = 1000,
                                      .sample_type = std::uint64_t{1} << bit,
                                      .wakeup_events = 3,
                                      .pid = 0,
                                      .cpu = -1});
        }
        for (const std::uint64_t frequency : {1ull, 99ull, 1ull << 40}) {
            close_again(PerfEventOpen{.type = PERF_TYPE_SOFTWARE, .sample_freq = frequency, .pid = 0, .cpu = -1});
        }
        close_again(PerfEventOpen{.type = 8,
                                  .config = 1,
                                  .sample_type = PERF_SAMPLE_RAW | PERF_SAMPLE_TIME | (1ull << 40),
                                  .kprobe_func = "/bin/true",
                                  .probe_offset = 0x1234,
                                  .group_fd = 99});
        output_ = keep(PerfEventOpen{.type = PERF_TYPE_SOFTWARE,
                                     .config = PERF_COUNT_SW_BPF_OUTPUT,
                                     .sample_period = 1,
                                     .sample_type = PERF_SAMPLE_RAW,
                                     .wakeup_events = 1});
        event_ = keep(PerfEventOpen{.type = PERF_TYPE_TRACEPOINT,
                                    .config = tracepoint_id_,
                                    .sample_period = 1,
                                    .sample_type = PERF_SAMPLE_RAW,
                                    .wakeup_events = 1});
        gate_.enter(PerfEventSetBpf{.event_fd = event_, .prog_fd = prog_});
        gate_.enter(PerfEventSetBpf{.event_fd = event_, .prog_fd = -1});
        gate_.enter(PerfEventEnable{.event_fd = event_});
        gate_.enter(PerfEventDisable{.event_fd = event_});
        gate_.enter(PerfEventEnable{.event_fd = -1});
        gate_.enter(PerfEventDisable{.event_fd = hash_});
    }

    void links() {
        close_again(LinkCreate{.prog_fd = prog_, .target_fd = event_, .attach_type = BPF_PERF_EVENT});
        close_again(LinkCreate{
            .prog_fd = prog_, .target_fd = event_, .attach_type = BPF_PERF_EVENT, .details = PerfEventLink{0x1234}});
        for (std::uint32_t type = 0; type <= 64; ++type) {
            close_again(LinkCreate{.prog_fd = prog_, .target_fd = 1, .attach_type = type});
            close_again(LinkCreate{.prog_fd = prog_,
                                   .target_fd = -1,
                                   .attach_type = type,
                                   .flags = 1u << (type % 32),
                                   .details = PerfEventLink{5}});
        }
        more_links();
        close_again(RawTracepointOpen{.name = "sys_enter", .prog_fd = raw_prog_});
        close_again(RawTracepointOpen{.name = "sys_enter", .prog_fd = raw_prog_, .cookie = 0x1234});
        close_again(RawTracepointOpen{.name = "no_such_tracepoint_and_a_name_too_long", .prog_fd = raw_prog_});
        close_again(RawTracepointOpen{.prog_fd = prog_});
    }

    void test_runs() {
        std::array<std::byte, 64> packet{}, packet_out{}, context_out{};
        const std::array<std::byte, 16> context{};
        const std::array<bpf_insn, 2> insns = {mov64_imm(0, 2), exit_insn()};
        const int xdp = keep(ProgLoad{.type = BPF_PROG_TYPE_XDP, .insns = insns, .license = "GPL"});
        for (const int fd : {xdp, raw_prog_, prog_, -1}) {
            gate_.enter(ProgTestRun{.prog_fd = fd, .data = packet});
            gate_.enter(ProgTestRun{.prog_fd = fd, .data = packet, .data_out = packet_out, .repeat = 3});
            gate_.enter(ProgTestRun{.prog_fd = fd, .data = packet, .ctx = context, .ctx_out = context_out});
            gate_.enter(ProgTestRun{.prog_fd = fd, .ctx = context});
            for (const std::uint32_t flags : {1u, 2u, 3u, 4u, 0x80u}) {
                gate_.enter(ProgTestRun{.prog_fd = fd, .ctx = context, .flags = flags, .cpu = 9, .batch_size = 11});
            }
        }
        gate_.enter(Close{.fd = xdp});
        for (const std::uint32_t type : {0u, 5u}) close_again(EnableStats{.type = type});
    }

    void more_links() {
        const char* long_name = "a_function_whose_name_has_more_than_32_characters";
        const std::vector<const char*> few = {"vfs_read", long_name};
        const std::vector<const char*> many(40, "vfs_read");
        constexpr std::uint32_t multi = BPF_TRACE_KPROBE_MULTI;
        for (const std::uint32_t flags : {0u, 1u, 2u}) {
            close_again(LinkCreate{.prog_fd = prog_,
                                   .target_fd = 0,
                                   .attach_type = multi,
                                   .details = KprobeMultiLink{.flags = flags, .syms = few}});
        }
        close_again(LinkCreate{.prog_fd = prog_,
                               .target_fd = 0,
                               .attach_type = multi,
                               .details = KprobeMultiLink{.syms = many, .cookies = std::vector<std::uint64_t>(40, 7)}});
        close_again(
            LinkCreate{.prog_fd = prog_,
                       .target_fd = 0,
                       .attach_type = multi,
                       .details = KprobeMultiLink{.addrs = {0xffffffff81000000, 0}, .cookies = {1, 0xdeadbeef}}});
        for (const std::uint32_t length : {0u, 4u, 16u}) {
            close_again(LinkCreate{.prog_fd = prog_,
                                   .target_fd = 0,
                                   .attach_type = BPF_TRACE_ITER,
                                   .details = IterLink{.info = {5, 0, 7, 0xffffffff}, .info_len = length}});
        }
        close_again(LinkCreate{.prog_fd = prog_,
                               .target_fd = 0,
                               .attach_type = BPF_TRACE_FENTRY,
                               .details = TracingLink{.target_btf_id = 3, .cookie = 4}});
        for (const std::uint32_t type : {45u, 46u, 48u, 54u}) {  // not known to strace 6.1
            close_again(
                LinkCreate{.prog_fd = prog_, .target_fd = 1, .attach_type = type, .details = OrderedLink{3, 4}});
        }
        close_again(LinkCreate{
            .prog_fd = prog_,
            .target_fd = 0,
            .attach_type = 48,
            .details = UprobeMultiLink{.path = "/bin/true", .offsets = {0x1000, 0x2000}, .flags = 1, .pid = 1}});
        for (const std::uint32_t flags : {0u, 4u, 0x80u}) {
            gate_.enter(LinkUpdate{.link_fd = event_, .new_prog_fd = prog_, .flags = flags, .old_prog_fd = 77});
        }
        gate_.enter(LinkDetach{.link_fd = -1});
        for (const std::uint32_t flags : {0u, 0x12u}) close_again(IterCreate{.link_fd = prog_, .flags = flags});
        for (std::uint32_t type = 0; type <= 58; ++type) {
            gate_.enter(ProgAttach{
                .target_fd = -1, .attach_bpf_fd = prog_, .attach_type = type, .attach_flags = 1u << (type % 32)});
            gate_.enter(ProgDetach{.target_fd = -1, .attach_bpf_fd = prog_, .attach_type = type});
        }
        gate_.enter(ProgAttach{.target_fd = -1, .attach_bpf_fd = prog_, .attach_flags = 4, .replace_bpf_fd = 9});
        gate_.enter(ProgAttach{.target_fd = -1, .attach_bpf_fd = prog_, .attach_flags = 8, .order = {3, 4}});
    }

    void files() {
        for (const int flags :
             {O_RDONLY, O_WRONLY, O_RDWR, O_WRONLY | O_APPEND, O_RDONLY | O_DIRECTORY, O_RDWR | O_NONBLOCK,
              O_WRONLY | O_TRUNC, O_RDONLY | O_PATH, O_RDWR | O_SYNC, O_RDWR | O_DSYNC, O_RDONLY | O_NOFOLLOW,
              O_RDONLY | O_DIRECT, O_RDONLY | O_NOCTTY, O_RDONLY | O_NOATIME}) {
            close_again(OpenAt{.path = "/dev/null", .flags = flags});
        }
        close_again(OpenAt{.path = "/a/path/that/is/longer/than/32/bytes/and does not exist\n"});
        std::array<std::byte, 64> buffer{};
        const int zero = keep(OpenAt{.path = "/dev/zero", .flags = O_RDONLY});
        for (const std::size_t size : {0ul, 1ul, 31ul, 32ul, 33ul, 64ul}) {
            gate_.enter(Read{.fd = zero, .buffer = std::span(buffer).first(size)});
        }
        gate_.enter(Close{.fd = zero});
        const int self = keep(OpenAt{.path = "/proc/self/exe", .flags = O_RDONLY});
        for (int i = 0; i < 12; ++i) gate_.enter(Read{.fd = self, .buffer = buffer});
        for (const int whence : {SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE, 77, -1}) {
            for (const std::int64_t offset : {0l, 5l, -3l, 0x123456789al}) {
                gate_.enter(Lseek{.fd = self, .offset = offset, .whence = whence});
            }
        }
        gate_.enter(Lseek{.fd = -1, .offset = 0, .whence = SEEK_END});
        directories_and_links();
        map_file(self);
        gate_.enter(Close{.fd = self});
        const int empty = keep(OpenAt{.path = "/dev/null", .flags = O_RDWR});
        gate_.enter(Read{.fd = empty, .buffer = buffer});
        gate_.enter(Read{.fd = -1, .buffer = buffer});
        for (const char* text : {"", "0\n", "p:minibpf/x do_unlinkat\n", "exactly 32 bytes long, no more.\n",
                                 "one more byte than 32, that is 33\n",
                                 "\1\2\1"
                                 "1\a\b\t\n\v\f\r\033 \177 \200\377?\"\\"}) {
            gate_.enter(Write{.fd = empty, .data = bytes_of(std::string_view(text))});
        }
        std::array<std::byte, 256> all;
        for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::byte>(i);
        for (std::size_t i = 0; i < all.size(); i += 16)
            gate_.enter(Write{.fd = empty, .data = std::span(all).subspan(i, 16)});
        for (std::size_t length = 29; length <= 33; ++length) {
            const std::string text = std::string(length, 'x') + std::string(
                                                                    "\0"
                                                                    "7\0"
                                                                    "8",
                                                                    4);
            gate_.enter(Write{.fd = empty, .data = bytes_of(text)});
        }
        gate_.enter(Write{.fd = -1, .data = bytes_of(std::string_view("nowhere"))});
        gate_.enter(Close{.fd = empty});
        gate_.enter(Close{.fd = empty});
        gate_.enter(Close{.fd = -1});
    }

    // A page of a file wherever there is room, and once more in that same place.
    void directories_and_links() {
        alignas(8) std::array<std::byte, 2048> buffer{};
        const int directory = keep(OpenAt{.path = "/sys/kernel", .flags = O_RDONLY | O_DIRECTORY});
        for (const std::size_t size : {8ul, 64ul, 2048ul, 2048ul, 0ul}) {
            gate_.enter(ReadDirectory{.fd = directory, .buffer = std::span(buffer).first(size)});
        }
        gate_.enter(Close{.fd = directory});
        gate_.enter(ReadDirectory{.fd = -1, .buffer = buffer});
        for (const std::size_t size : {1ul, 32ul, 33ul, 256ul}) {
            gate_.enter(ReadLink{.path = "/proc/self/exe", .buffer = std::span(buffer).first(size)});
        }
        gate_.enter(ReadLink{.path = "/proc/self/fd/9999", .buffer = buffer});
        const int process = keep(PidfdOpen{.pid = static_cast<int>(gate_.enter(GetPid{}).value)});
        close_again(PidfdGetFd{.pidfd = process, .target_fd = 0});
        gate_.enter(PidfdGetFd{.pidfd = process, .target_fd = 9999});
        gate_.enter(Close{.fd = process});
        gate_.enter(PidfdOpen{.pid = -1});
        gate_.enter(PidfdGetFd{.pidfd = -1, .target_fd = 0});
    }

    void map_file(int fd) {
        const std::size_t page = 4096;
        const Answer first = gate_.enter(Mmap{.length = page, .prot = PROT_READ, .fd = fd, .is_private = true});
        if (!first.ok()) return;
        const auto address = static_cast<std::uintptr_t>(first.value);
        for (const bool is_private : {true, false}) {
            gate_.enter(Mmap{.length = page,
                             .prot = PROT_READ,
                             .fd = fd,
                             .offset = page,
                             .is_private = is_private,
                             .address = address});
        }
        gate_.enter(Munmap{.address = address, .length = page});
    }

    void memory_and_waiting() {
        const std::size_t page = 4096;
        for (const int prot :
             {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE | PROT_EXEC, 0x40}) {
            const Answer answer = gate_.enter(Mmap{.length = 9 * page, .prot = prot, .fd = output_});
            if (answer.ok())
                gate_.enter(Munmap{.address = static_cast<std::uintptr_t>(answer.value), .length = 9 * page});
        }
        gate_.enter(Mmap{.length = page, .prot = PROT_READ, .fd = -1, .offset = 3 * page});
        gate_.enter(Munmap{.address = 1, .length = page});
        const int ring = keep(MapCreate{.name = "ring", .type = BPF_MAP_TYPE_RINGBUF, .max_entries = 4096});
        const Answer consumer = gate_.enter(Mmap{.length = page, .prot = PROT_READ | PROT_WRITE, .fd = ring});
        const Answer producer = gate_.enter(Mmap{.length = 3 * page, .prot = PROT_READ, .fd = ring, .offset = page});
        if (consumer.ok()) gate_.enter(Munmap{.address = static_cast<std::uintptr_t>(consumer.value), .length = page});
        if (producer.ok())
            gate_.enter(Munmap{.address = static_cast<std::uintptr_t>(producer.value), .length = 3 * page});
        const int epoll = keep(EpollCreate{});
        gate_.enter(EpollAdd{.epoll_fd = epoll, .fd = output_, .data = 0});
        gate_.enter(EpollAdd{.epoll_fd = epoll, .fd = ring, .data = 77});
        gate_.enter(EpollAdd{.epoll_fd = epoll, .fd = ring, .data = 0xffffffff});
        gate_.enter(EpollAdd{.epoll_fd = -1, .fd = -1});
        gate_.enter(Close{.fd = epoll});
        for (const int fd : {ring, output_, event_, prog_, raw_prog_, btf_, hash_}) gate_.enter(Close{.fd = fd});
    }

    KernelGate& gate_;
    std::filesystem::path directory_;
    std::uint64_t tracepoint_id_ = 1;
    int netlink_ = -1;
    int hash_ = -1, btf_ = -1, prog_ = -1, raw_prog_ = -1, event_ = -1, output_ = -1;
};

}  // namespace minibpf::test
