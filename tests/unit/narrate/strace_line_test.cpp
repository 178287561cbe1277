// Lines as strace 6.1 printed them. tests/kernel/strace_gate_test.cpp compares with strace itself; these need no
// strace.
#include <tests/catch.hpp>

#include <array>
#include <cerrno>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/mman.h>

#include <libminibpf/narrate/strace_line.hpp>

namespace minibpf {

namespace {

constexpr AttrSize minimal = AttrSize::minimal;
constexpr AttrSize book = AttrSize::book;

std::string line(const Syscall& call, long value = 0, AttrSize attr_size = minimal) {
    return strace_line(call, {.value = value}, attr_size);
}

std::string failed_line(const Syscall& call, int error) {
    return strace_line(call, {.value = -1, .error = error}, minimal);
}

std::string line_7_2(const Syscall& call, long value = 0, AttrSize attr_size = minimal) {
    return strace_line(call, {.value = value}, attr_size, StraceVersion::v7_2);
}

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the result of a short line stands at column 40", "[narrate][strace]") {
    CHECK(line(Close{.fd = 3}) == "close(3)                                = 0");
    CHECK(line(MapFreeze{.map_fd = 3}) == "bpf(BPF_MAP_FREEZE, {map_fd=3}, 4)      = 0");
    CHECK(line(MapFreeze{.map_fd = 3}, 0, book) == "bpf(BPF_MAP_FREEZE, {map_fd=3}, 128)    = 0");
    CHECK(line(GetPid{}, 4711) == "getpid()                                = 4711");
    CHECK(line(PerfEventSetBpf{.event_fd = 8, .prog_fd = 5}) == "ioctl(8, PERF_EVENT_IOC_SET_BPF, 5)     = 0");
    CHECK(line(PerfEventEnable{.event_fd = 8}) == "ioctl(8, PERF_EVENT_IOC_ENABLE, 0)      = 0");
    CHECK(line(EpollCreate{}, 11) == "epoll_create1(EPOLL_CLOEXEC)            = 11");
}

TEST_CASE("an error is shown by name and text", "[narrate][strace]") {
    CHECK(failed_line(Close{.fd = -1}, EBADF) ==
          "close(-1)                               = -1 EBADF (Bad file descriptor)");
    CHECK(contains(failed_line(MapFreeze{}, EPERM), "= -1 EPERM (Operation not permitted)"));
    CHECK(contains(failed_line(MapFreeze{}, 524), "= -1 ENOTSUPP (Unknown error 524)"));
    CHECK(contains(failed_line(MapFreeze{}, 4095), "= -1 (errno 4095)"));
}

TEST_CASE("a map is shown with every field, whatever it is", "[narrate][strace]") {
    CHECK(
        line(MapCreate{.name = "ring", .type = BPF_MAP_TYPE_RINGBUF, .max_entries = 4096}, 9, book) ==
        "bpf(BPF_MAP_CREATE, {map_type=BPF_MAP_TYPE_RINGBUF, key_size=0, value_size=0, max_entries=4096, map_flags=0, "
        "inner_map_fd=0, map_name=\"ring\", map_ifindex=0, btf_fd=0, btf_key_type_id=0, btf_value_type_id=0, "
        "btf_vmlinux_value_type_id=0, map_extra=0}, 128) = 9");
}

TEST_CASE("a value that strace 6.1 does not know is a number with a question mark", "[narrate][strace]") {
    const MapCreate arena{.name = "arena", .type = 33, .map_flags = 0x2000};
    CHECK(contains(line(arena), "{map_type=0x21 /* BPF_MAP_TYPE_??? */, "));
    CHECK(contains(line(arena), "map_flags=0x2000 /* BPF_F_??? */, "));
    CHECK(contains(line_7_2(arena), "{map_type=BPF_MAP_TYPE_ARENA, "));
    CHECK(contains(line_7_2(arena), "map_flags=BPF_F_LINK, "));
    CHECK(
        contains(line(MapCreate{.map_flags = 0x80000480}), "map_flags=BPF_F_RDONLY_PROG|BPF_F_MMAPABLE|0x80000000, "));
    CHECK(contains(line(ProgLoad{.expected_attach_type = 46}), "expected_attach_type=0x2e /* BPF_??? */, "));
    CHECK(contains(line_7_2(ProgLoad{.expected_attach_type = 46}), "expected_attach_type=BPF_TCX_INGRESS, "));
}

TEST_CASE("a NUMA node is shown only when it counts", "[narrate][strace]") {
    CHECK_FALSE(contains(line(MapCreate{.numa_node = 7}), "numa_node"));
    CHECK(contains(line(MapCreate{.map_flags = BPF_F_NUMA_NODE, .numa_node = 1}),
                   "inner_map_fd=0, numa_node=1, map_name="));
    CHECK(contains(line(MapCreate{.map_flags = BPF_F_NUMA_NODE, .numa_node = 0xffffffff}),
                   "numa_node=4294967295 /* NUMA_NO_NODE */, "));
}

TEST_CASE("elements are shown by address, and the flags 0 as BPF_ANY", "[narrate][strace]") {
    CHECK(line(MapUpdateElem{.map_fd = -1}) ==
          "bpf(BPF_MAP_UPDATE_ELEM, {map_fd=-1, key=NULL, value=NULL, flags=BPF_ANY}, 32) = 0");
    const std::array<std::byte, 4> key{};
    std::array<std::byte, 8> value{};
    const std::string lookup = line(MapLookupElem{.map_fd = 3, .key = key, .value = value, .flags = 5});
    CHECK(contains(lookup, "bpf(BPF_MAP_LOOKUP_ELEM, {map_fd=3, key=0x"));
    CHECK(contains(lookup, ", flags=BPF_F_LOCK|0x1}, 32) = 0"));
    CHECK(contains(line(MapUpdateElem{.map_fd = 3, .key = key, .value = value, .flags = 5}),
                   ", flags=0x5 /* BPF_??? */}, 32) = 0"));
}

TEST_CASE("a program is shown from its type to fd_array", "[narrate][strace]") {
    const ProgLoad call{.name = "hello", .type = BPF_PROG_TYPE_TRACEPOINT, .license = "GPL", .kern_version = 0x060123};
    CHECK(
        line(call, 5) ==
        "bpf(BPF_PROG_LOAD, {prog_type=BPF_PROG_TYPE_TRACEPOINT, insn_cnt=0, insns=NULL, license=\"GPL\", log_level=0, "
        "log_size=0, log_buf=NULL, kern_version=KERNEL_VERSION(6, 1, 35), prog_flags=0, prog_name=\"hello\", "
        "prog_ifindex=0, "
        "expected_attach_type=BPF_CGROUP_INET_INGRESS, prog_btf_fd=0, func_info_rec_size=0, func_info=NULL, "
        "func_info_cnt=0, "
        "line_info_rec_size=0, line_info=NULL, line_info_cnt=0, attach_btf_id=0, attach_prog_fd=0, fd_array=NULL}, "
        "128) = 5");
}

TEST_CASE("a string is cut after 32 bytes, a path is not", "[narrate][strace]") {
    const std::string exactly(32, 'x');
    CHECK(contains(line(ProgLoad{.license = exactly}), "license=\"" + exactly + "\", "));
    CHECK(contains(line(ProgLoad{.license = exactly + "y"}), "license=\"" + exactly + "\"..., "));
    CHECK(contains(line(ProgLoad{.license = "a\"b\\c\n\t\x01"
                                            "7\x80\xff"}),
                   R"(license="a\"b\\c\n\t\0017\200\377", )"));
    CHECK(line(ObjPin{.pathname = "/sys/fs/bpf/" + exactly, .bpf_fd = 5}) ==
          "bpf(BPF_OBJ_PIN, {pathname=\"/sys/fs/bpf/" + exactly + "\", bpf_fd=5, file_flags=0}, 16) = 0");
}

TEST_CASE("a byte that cannot be printed is octal, with three digits only before an octal digit", "[narrate][strace]") {
    CHECK(line(Write{.fd = 9,
                     .data = bytes_of(std::string_view("\0"
                                                       "7\0"
                                                       "8\1\33 \177",
                                                       8))},
               8) == R"(write(9, "\0007\08\1\33 \177", 8)       = 8)");
}

TEST_CASE("the log buffer is shown as it was when the call was entered", "[narrate][strace]") {
    std::vector<char> log(4096);
    const Syscall call = ProgLoad{.license = "GPL", .log_level = 1, .log = log};
    const StraceLine before(call, minimal);
    std::string_view("0: (95) exit").copy(log.data(), log.size());
    CHECK(contains(before.finish({.value = -1, .error = EACCES}), "log_level=1, log_size=4096, log_buf=\"\", "));
    CHECK(contains(StraceLine(call, minimal).text(), "log_buf=\"0: (95) exit\", "));
    const std::array<char, 4> full{'a', 'b', 'c', 'd'};
    std::array<char, 4> buffer = full;
    CHECK(contains(line(ProgLoad{.log_level = 1, .log = buffer}), "log_buf=\"abcd\"..., "));
}

TEST_CASE("BTF is shown by its first bytes, its log by address", "[narrate][strace]") {
    const std::array<std::byte, 5> btf{std::byte{0x9f}, std::byte{0xeb}, std::byte{2}, std::byte{0}, std::byte{9}};
    CHECK(
        failed_line(BtfLoad{.btf = btf}, EINVAL) ==
        R"(bpf(BPF_BTF_LOAD, {btf="\237\353\2\0\t", btf_log_buf=NULL, btf_size=5, btf_log_size=0, btf_log_level=0}, 28) = -1 EINVAL (Invalid argument))");
    CHECK(contains(line_7_2(BtfLoad{}, 3, book),
                   "btf_log_level=0, btf_log_true_size=0, btf_flags=0, btf_token_fd=0}, 128) = 3"));
}

TEST_CASE("a raw tracepoint is shown as in the book", "[narrate][strace]") {
    CHECK(line(RawTracepointOpen{.name = "sys_enter", .prog_fd = 6}, 7, book) ==
          "bpf(BPF_RAW_TRACEPOINT_OPEN, {raw_tracepoint={name=\"sys_enter\", prog_fd=6}}, 128) = 7");
    CHECK(line(RawTracepointOpen{.prog_fd = 6}, 7) ==
          "bpf(BPF_RAW_TRACEPOINT_OPEN, {raw_tracepoint={name=NULL, prog_fd=6}}, 16) = 7");
    CHECK(line_7_2(RawTracepointOpen{.prog_fd = 6}, 7, book) ==
          "bpf(BPF_RAW_TRACEPOINT_OPEN, {raw_tracepoint={name=NULL, prog_fd=6, cookie=0}}, 128) = 7");
    const RawTracepointOpen with_cookie{.name = "sys_enter", .prog_fd = 6, .cookie = 0x1234};
    CHECK(line(with_cookie, 7) ==
          "bpf(BPF_RAW_TRACEPOINT_OPEN, {raw_tracepoint={name=\"sys_enter\", prog_fd=6}, ...}, 24) = 7");
    CHECK(line_7_2(with_cookie, 7) ==
          "bpf(BPF_RAW_TRACEPOINT_OPEN, {raw_tracepoint={name=\"sys_enter\", prog_fd=6, cookie=0x1234}}, 24) = 7");
}

TEST_CASE("a link is shown by the member of the union that its attach type uses", "[narrate][strace]") {
    CHECK(
        line(LinkCreate{.prog_fd = 5, .target_fd = 8, .attach_type = BPF_PERF_EVENT, .details = PerfEventLink{0x1234}},
             9) ==
        "bpf(BPF_LINK_CREATE, {link_create={prog_fd=5, target_fd=8, attach_type=BPF_PERF_EVENT, flags=0, "
        "perf_event={bpf_cookie=0x1234}}}, 48) = 9");
    CHECK(
        line(LinkCreate{.prog_fd = 5, .target_fd = 1, .attach_type = BPF_XDP, .flags = 2, .details = PerfEventLink{5}},
             9) ==
        "bpf(BPF_LINK_CREATE, {link_create={prog_fd=5, target_fd=1, attach_type=BPF_XDP, flags=0x2}, ...}, 48) = 9");
    CHECK(line(
              LinkCreate{
                  .prog_fd = 5, .target_fd = 1, .attach_type = BPF_CGROUP_INET_INGRESS, .details = PerfEventLink{5}},
              9) ==
          "bpf(BPF_LINK_CREATE, {link_create={prog_fd=5, target_fd=1, attach_type=BPF_CGROUP_INET_INGRESS, flags=0, "
          "target_btf_id=5}}, 48) = 9");
}

TEST_CASE("an info's length is shown as asked for and as filled", "[narrate][strace]") {
    const Syscall call = ObjGetInfoByFd{.bpf_fd = 4, .info = {}};
    CHECK(strace_line(call, {.value = 0, .out = 0}, minimal) ==
          "bpf(BPF_OBJ_GET_INFO_BY_FD, {info={bpf_fd=4, info_len=0, info=NULL}}, 16) = 0");
    std::array<std::byte, 104> info{};
    const std::string shorter = strace_line(ObjGetInfoByFd{.bpf_fd = 4, .info = info}, {.out = 88}, minimal);
    CHECK(contains(shorter, "{info={bpf_fd=4, info_len=104 => 88, info=0x"));
    CHECK_FALSE(contains(failed_line(ObjGetInfoByFd{.bpf_fd = 4, .info = info}, EBADF), "=>"));
}

TEST_CASE("the next id is shown as strace 6.1 and 7.2 show it", "[narrate][strace]") {
    const Syscall next = GetNextId{.kind = IdKind::btf, .start_id = 0};
    const Answer found{.value = 0, .out = 629};
    const Answer none{.value = -1, .error = ENOENT};
    CHECK(strace_line(next, found, minimal) ==
          "bpf(BPF_BTF_GET_NEXT_ID, {start_id=0, next_id=0 => 629, open_flags=0}, 12) = 0");
    CHECK(
        strace_line(next, none, minimal) ==
        "bpf(BPF_BTF_GET_NEXT_ID, {start_id=0, next_id=0, open_flags=0}, 12) = -1 ENOENT (No such file or directory)");
    CHECK(strace_line(next, found, book, StraceVersion::v7_2) ==
          "bpf(BPF_BTF_GET_NEXT_ID, {start_id=0, next_id=629}, 128) = 0");
    CHECK(strace_line(next, none, minimal, StraceVersion::v7_2) ==
          "bpf(BPF_BTF_GET_NEXT_ID, {start_id=0, next_id=0}, 12) = -1 ENOENT (No such file or directory)");
}

TEST_CASE("an object that is opened by its id has the kind in the field's name", "[narrate][strace]") {
    const auto by_id = [](IdKind kind) { return GetFdById{.kind = kind, .id = 7}; };
    CHECK(line(by_id(IdKind::prog), 3) == "bpf(BPF_PROG_GET_FD_BY_ID, {prog_id=7, next_id=0, open_flags=0}, 12) = 3");
    CHECK(line(by_id(IdKind::map), 3) == "bpf(BPF_MAP_GET_FD_BY_ID, {map_id=7, next_id=0, open_flags=0}, 12) = 3");
    CHECK(line(by_id(IdKind::btf), 3) == "bpf(BPF_BTF_GET_FD_BY_ID, {btf_id=7}, 4) = 3");
    CHECK(line(by_id(IdKind::link), 3) == "bpf(BPF_LINK_GET_FD_BY_ID, {link_id=7}, 4) = 3");
    CHECK(line_7_2(by_id(IdKind::prog), 3) == "bpf(BPF_PROG_GET_FD_BY_ID, {prog_id=7}, 12) = 3");
    CHECK(line_7_2(by_id(IdKind::map), 3) == "bpf(BPF_MAP_GET_FD_BY_ID, {map_id=7, open_flags=0}, 12) = 3");
    CHECK(line_7_2(by_id(IdKind::btf), 3) == "bpf(BPF_BTF_GET_FD_BY_ID, {btf_id=7}, 4) = 3");
    CHECK(line_7_2(by_id(IdKind::btf), 3, book) ==
          "bpf(BPF_BTF_GET_FD_BY_ID, {btf_id=7, open_flags=0, fd_by_id_token_fd=0}, 128) = 3");
}

TEST_CASE("strace 6.1 does not know the BTF of a module's struct_ops", "[narrate][strace]") {
    const MapCreate call{.name = "ops", .value_type_btf_obj_fd = 11};
    CHECK(contains(line(call, 3), "map_extra=0, ...}, 76) = 3"));
    CHECK(contains(line_7_2(call, 3), "map_extra=0, value_type_btf_obj_fd=11}, 76) = 3"));
}

TEST_CASE("a perf event is shown abbreviated", "[narrate][strace]") {
    CHECK(line(PerfEventOpen{.type = PERF_TYPE_TRACEPOINT,
                             .config = 862,
                             .sample_period = 1,
                             .sample_type = PERF_SAMPLE_RAW,
                             .wakeup_events = 1},
               7) ==
          "perf_event_open({type=PERF_TYPE_TRACEPOINT, size=PERF_ATTR_SIZE_VER7, config=862, sample_period=1, "
          "sample_type=PERF_SAMPLE_RAW, read_format=0, precise_ip=0 /* arbitrary skid */, ...}, -1, 0, -1, "
          "PERF_FLAG_FD_CLOEXEC) = 7");
    CHECK(contains(line(PerfEventOpen{.type = 8, .config = 1, .kprobe_func = "do_unlinkat"}),
                   "{type=0x8 /* PERF_TYPE_??? */, size=PERF_ATTR_SIZE_VER7, config=0x1, "));
    CHECK(contains(line(PerfEventOpen{.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_BPF_OUTPUT}),
                   "config=PERF_COUNT_SW_BPF_OUTPUT, "));
    CHECK(contains(line(PerfEventOpen{.type = PERF_TYPE_HW_CACHE, .config = 0x01020304}),
                   "config=0x1<<24|0x2 /* PERF_COUNT_HW_CACHE_RESULT_??? */<<16|0x3 /* PERF_COUNT_HW_CACHE_OP_??? "
                   "*/<<8|PERF_COUNT_HW_CACHE_ITLB, "));
}

TEST_CASE("files, memory and waiting are shown as strace shows them", "[narrate][strace]") {
    CHECK(line(OpenAt{.path = "/sys/kernel/tracing/kprobe_events", .flags = O_WRONLY | O_APPEND}, 9) ==
          "openat(AT_FDCWD, \"/sys/kernel/tracing/kprobe_events\", O_WRONLY|O_APPEND|O_CLOEXEC) = 9");
    std::array<std::byte, 64> buffer{};
    CHECK(line(Read{.fd = 9, .buffer = buffer}, 2) == R"(read(9, "\0\0", 64)                     = 2)");
    CHECK(line(Read{.fd = 9, .buffer = buffer}, 0) == R"(read(9, "", 64)                         = 0)");
    CHECK(contains(failed_line(Read{.fd = -1, .buffer = buffer}, EBADF), "read(-1, 0x"));
    CHECK(line(Mmap{.length = 12288, .prot = PROT_READ, .fd = 9, .offset = 4096}, 0x7fac75d6b000) ==
          "mmap(NULL, 12288, PROT_READ, MAP_SHARED, 9, 0x1000) = 0x7fac75d6b000");
    CHECK(line(Mmap{.length = 4096, .prot = PROT_READ, .fd = 9, .is_private = true}, 0x7fac75d6b000) ==
          "mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 9, 0) = 0x7fac75d6b000");
    CHECK(line(Mmap{.length = 4096, .prot = PROT_READ | PROT_WRITE, .fd = 9, .address = 0x100000000000},
               0x100000000000) ==
          "mmap(0x100000000000, 4096, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_FIXED, 9, 0) = 0x100000000000");
    CHECK(line(Lseek{.fd = 3, .offset = 0, .whence = SEEK_END}, 5512345) ==
          "lseek(3, 0, SEEK_END)                   = 5512345");
    CHECK(failed_line(Lseek{.fd = 3, .offset = -5, .whence = 77}, EINVAL) ==
          "lseek(3, -5, 0x4d /* SEEK_??? */)       = -1 EINVAL (Invalid argument)");
    CHECK(failed_line(ReadDirectory{.fd = 3}, EBADF) ==
          "getdents64(3, NULL, 0)                  = -1 EBADF (Bad file descriptor)");
    CHECK(failed_line(ReadLink{.path = "/proc/self/fd/99"}, ENOENT) ==
          "readlink(\"/proc/self/fd/99\", NULL, 0)   = -1 ENOENT (No such file or directory)");
    std::memcpy(buffer.data(), "anon_inode:bpf-map", 18);
    CHECK(line(ReadLink{.path = "/proc/self/fd/3", .buffer = buffer}, 18) ==
          "readlink(\"/proc/self/fd/3\", \"anon_inode:bpf-map\", 64) = 18");
    CHECK(line(Mkdir{.path = "/sys/fs/bpf/tc", .mode = 0700}) == "mkdir(\"/sys/fs/bpf/tc\", 0700)           = 0");
    CHECK(line(Mkdir{.path = "x", .mode = 0}) == "mkdir(\"x\", 000)                         = 0");
    CHECK(line(Unlink{.path = "/sys/fs/bpf/tc"}) == "unlink(\"/sys/fs/bpf/tc\")                = 0");
    CHECK(line(Munmap{.address = 0x7fac75d66000, .length = 36864}) == "munmap(0x7fac75d66000, 36864)           = 0");
    CHECK(line(EpollAdd{.epoll_fd = 11, .fd = 9, .data = 77}) ==
          "epoll_ctl(11, EPOLL_CTL_ADD, 9, {events=EPOLLIN, data={u32=77, u64=77}}) = 0");
    std::array<std::uint32_t, 2> ready{77, 0};
    CHECK(line(EpollWait{.epoll_fd = 11, .ready = ready, .timeout_ms = 100}, 1) ==
          "epoll_wait(11, [{events=EPOLLIN, data={u32=77, u64=77}}], 2, 100) = 1");
    CHECK(line(Mount{.source = "bpf", .target = "/sys/fs/bpf", .filesystem = "bpf"}) ==
          "mount(\"bpf\", \"/sys/fs/bpf\", \"bpf\", 0, NULL) = 0");
}

}  // namespace minibpf
