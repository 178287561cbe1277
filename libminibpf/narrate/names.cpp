// Tables. strace prints a constant by its name when its release knew it, so each table says what came later; the names
// themselves are the UAPI's (linux/bpf.h, linux/perf_event.h, fcntl.h, sys/mman.h).
#include <libminibpf/narrate/names.hpp>

#include <array>
#include <cstddef>

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sys/mman.h>

#include <fmt/format.h>

namespace minibpf {

namespace {

// The enumerations of bpf(2) count from 0. The first `Known` names are those of strace 6.1.
template <std::size_t Known, std::size_t N>
constexpr std::array<ConstantName, N> numbered(const std::array<std::string_view, N>& texts) {
    std::array<ConstantName, N> names{};
    for (std::size_t i = 0; i < N; ++i) {
        names[i] = {.value = i, .text = texts[i], .since = i < Known ? StraceVersion::v6_1 : StraceVersion::v7_2};
    }
    return names;
}

constexpr std::array<ConstantName, 28> command_names = {{
    {BPF_MAP_CREATE, "BPF_MAP_CREATE"},
    {BPF_MAP_LOOKUP_ELEM, "BPF_MAP_LOOKUP_ELEM"},
    {BPF_MAP_UPDATE_ELEM, "BPF_MAP_UPDATE_ELEM"},
    {BPF_MAP_DELETE_ELEM, "BPF_MAP_DELETE_ELEM"},
    {BPF_MAP_GET_NEXT_KEY, "BPF_MAP_GET_NEXT_KEY"},
    {BPF_MAP_FREEZE, "BPF_MAP_FREEZE"},
    {BPF_PROG_LOAD, "BPF_PROG_LOAD"},
    {BPF_BTF_LOAD, "BPF_BTF_LOAD"},
    {BPF_RAW_TRACEPOINT_OPEN, "BPF_RAW_TRACEPOINT_OPEN"},
    {BPF_LINK_CREATE, "BPF_LINK_CREATE"},
    {BPF_LINK_UPDATE, "BPF_LINK_UPDATE"},
    {BPF_LINK_DETACH, "BPF_LINK_DETACH"},
    {BPF_ITER_CREATE, "BPF_ITER_CREATE"},
    {BPF_PROG_TEST_RUN, "BPF_PROG_TEST_RUN"},
    {BPF_ENABLE_STATS, "BPF_ENABLE_STATS"},
    {BPF_PROG_ATTACH, "BPF_PROG_ATTACH"},
    {BPF_PROG_DETACH, "BPF_PROG_DETACH"},
    {BPF_OBJ_PIN, "BPF_OBJ_PIN"},
    {BPF_OBJ_GET, "BPF_OBJ_GET"},
    {BPF_OBJ_GET_INFO_BY_FD, "BPF_OBJ_GET_INFO_BY_FD"},
    {BPF_PROG_GET_NEXT_ID, "BPF_PROG_GET_NEXT_ID"},
    {BPF_MAP_GET_NEXT_ID, "BPF_MAP_GET_NEXT_ID"},
    {BPF_BTF_GET_NEXT_ID, "BPF_BTF_GET_NEXT_ID"},
    {BPF_LINK_GET_NEXT_ID, "BPF_LINK_GET_NEXT_ID"},
    {BPF_PROG_GET_FD_BY_ID, "BPF_PROG_GET_FD_BY_ID"},
    {BPF_MAP_GET_FD_BY_ID, "BPF_MAP_GET_FD_BY_ID"},
    {BPF_BTF_GET_FD_BY_ID, "BPF_BTF_GET_FD_BY_ID"},
    {BPF_LINK_GET_FD_BY_ID, "BPF_LINK_GET_FD_BY_ID"},
}};

// enum bpf_map_type
constexpr auto map_type_names = numbered<32>(std::array<std::string_view, 34>{"BPF_MAP_TYPE_UNSPEC",
                                                                              "BPF_MAP_TYPE_HASH",
                                                                              "BPF_MAP_TYPE_ARRAY",
                                                                              "BPF_MAP_TYPE_PROG_ARRAY",
                                                                              "BPF_MAP_TYPE_PERF_EVENT_ARRAY",
                                                                              "BPF_MAP_TYPE_PERCPU_HASH",
                                                                              "BPF_MAP_TYPE_PERCPU_ARRAY",
                                                                              "BPF_MAP_TYPE_STACK_TRACE",
                                                                              "BPF_MAP_TYPE_CGROUP_ARRAY",
                                                                              "BPF_MAP_TYPE_LRU_HASH",
                                                                              "BPF_MAP_TYPE_LRU_PERCPU_HASH",
                                                                              "BPF_MAP_TYPE_LPM_TRIE",
                                                                              "BPF_MAP_TYPE_ARRAY_OF_MAPS",
                                                                              "BPF_MAP_TYPE_HASH_OF_MAPS",
                                                                              "BPF_MAP_TYPE_DEVMAP",
                                                                              "BPF_MAP_TYPE_SOCKMAP",
                                                                              "BPF_MAP_TYPE_CPUMAP",
                                                                              "BPF_MAP_TYPE_XSKMAP",
                                                                              "BPF_MAP_TYPE_SOCKHASH",
                                                                              "BPF_MAP_TYPE_CGROUP_STORAGE",
                                                                              "BPF_MAP_TYPE_REUSEPORT_SOCKARRAY",
                                                                              "BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE",
                                                                              "BPF_MAP_TYPE_QUEUE",
                                                                              "BPF_MAP_TYPE_STACK",
                                                                              "BPF_MAP_TYPE_SK_STORAGE",
                                                                              "BPF_MAP_TYPE_DEVMAP_HASH",
                                                                              "BPF_MAP_TYPE_STRUCT_OPS",
                                                                              "BPF_MAP_TYPE_RINGBUF",
                                                                              "BPF_MAP_TYPE_INODE_STORAGE",
                                                                              "BPF_MAP_TYPE_TASK_STORAGE",
                                                                              "BPF_MAP_TYPE_BLOOM_FILTER",
                                                                              "BPF_MAP_TYPE_USER_RINGBUF",
                                                                              "BPF_MAP_TYPE_CGRP_STORAGE",
                                                                              "BPF_MAP_TYPE_ARENA"});

// enum bpf_prog_type
constexpr auto prog_type_names = numbered<32>(std::array<std::string_view, 33>{"BPF_PROG_TYPE_UNSPEC",
                                                                               "BPF_PROG_TYPE_SOCKET_FILTER",
                                                                               "BPF_PROG_TYPE_KPROBE",
                                                                               "BPF_PROG_TYPE_SCHED_CLS",
                                                                               "BPF_PROG_TYPE_SCHED_ACT",
                                                                               "BPF_PROG_TYPE_TRACEPOINT",
                                                                               "BPF_PROG_TYPE_XDP",
                                                                               "BPF_PROG_TYPE_PERF_EVENT",
                                                                               "BPF_PROG_TYPE_CGROUP_SKB",
                                                                               "BPF_PROG_TYPE_CGROUP_SOCK",
                                                                               "BPF_PROG_TYPE_LWT_IN",
                                                                               "BPF_PROG_TYPE_LWT_OUT",
                                                                               "BPF_PROG_TYPE_LWT_XMIT",
                                                                               "BPF_PROG_TYPE_SOCK_OPS",
                                                                               "BPF_PROG_TYPE_SK_SKB",
                                                                               "BPF_PROG_TYPE_CGROUP_DEVICE",
                                                                               "BPF_PROG_TYPE_SK_MSG",
                                                                               "BPF_PROG_TYPE_RAW_TRACEPOINT",
                                                                               "BPF_PROG_TYPE_CGROUP_SOCK_ADDR",
                                                                               "BPF_PROG_TYPE_LWT_SEG6LOCAL",
                                                                               "BPF_PROG_TYPE_LIRC_MODE2",
                                                                               "BPF_PROG_TYPE_SK_REUSEPORT",
                                                                               "BPF_PROG_TYPE_FLOW_DISSECTOR",
                                                                               "BPF_PROG_TYPE_CGROUP_SYSCTL",
                                                                               "BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE",
                                                                               "BPF_PROG_TYPE_CGROUP_SOCKOPT",
                                                                               "BPF_PROG_TYPE_TRACING",
                                                                               "BPF_PROG_TYPE_STRUCT_OPS",
                                                                               "BPF_PROG_TYPE_EXT",
                                                                               "BPF_PROG_TYPE_LSM",
                                                                               "BPF_PROG_TYPE_SK_LOOKUP",
                                                                               "BPF_PROG_TYPE_SYSCALL",
                                                                               "BPF_PROG_TYPE_NETFILTER"});

// enum bpf_attach_type
constexpr auto attach_type_names = numbered<44>(std::array<std::string_view, 58>{"BPF_CGROUP_INET_INGRESS",
                                                                                 "BPF_CGROUP_INET_EGRESS",
                                                                                 "BPF_CGROUP_INET_SOCK_CREATE",
                                                                                 "BPF_CGROUP_SOCK_OPS",
                                                                                 "BPF_SK_SKB_STREAM_PARSER",
                                                                                 "BPF_SK_SKB_STREAM_VERDICT",
                                                                                 "BPF_CGROUP_DEVICE",
                                                                                 "BPF_SK_MSG_VERDICT",
                                                                                 "BPF_CGROUP_INET4_BIND",
                                                                                 "BPF_CGROUP_INET6_BIND",
                                                                                 "BPF_CGROUP_INET4_CONNECT",
                                                                                 "BPF_CGROUP_INET6_CONNECT",
                                                                                 "BPF_CGROUP_INET4_POST_BIND",
                                                                                 "BPF_CGROUP_INET6_POST_BIND",
                                                                                 "BPF_CGROUP_UDP4_SENDMSG",
                                                                                 "BPF_CGROUP_UDP6_SENDMSG",
                                                                                 "BPF_LIRC_MODE2",
                                                                                 "BPF_FLOW_DISSECTOR",
                                                                                 "BPF_CGROUP_SYSCTL",
                                                                                 "BPF_CGROUP_UDP4_RECVMSG",
                                                                                 "BPF_CGROUP_UDP6_RECVMSG",
                                                                                 "BPF_CGROUP_GETSOCKOPT",
                                                                                 "BPF_CGROUP_SETSOCKOPT",
                                                                                 "BPF_TRACE_RAW_TP",
                                                                                 "BPF_TRACE_FENTRY",
                                                                                 "BPF_TRACE_FEXIT",
                                                                                 "BPF_MODIFY_RETURN",
                                                                                 "BPF_LSM_MAC",
                                                                                 "BPF_TRACE_ITER",
                                                                                 "BPF_CGROUP_INET4_GETPEERNAME",
                                                                                 "BPF_CGROUP_INET6_GETPEERNAME",
                                                                                 "BPF_CGROUP_INET4_GETSOCKNAME",
                                                                                 "BPF_CGROUP_INET6_GETSOCKNAME",
                                                                                 "BPF_XDP_DEVMAP",
                                                                                 "BPF_CGROUP_INET_SOCK_RELEASE",
                                                                                 "BPF_XDP_CPUMAP",
                                                                                 "BPF_SK_LOOKUP",
                                                                                 "BPF_XDP",
                                                                                 "BPF_SK_SKB_VERDICT",
                                                                                 "BPF_SK_REUSEPORT_SELECT",
                                                                                 "BPF_SK_REUSEPORT_SELECT_OR_MIGRATE",
                                                                                 "BPF_PERF_EVENT",
                                                                                 "BPF_TRACE_KPROBE_MULTI",
                                                                                 "BPF_LSM_CGROUP",
                                                                                 "BPF_STRUCT_OPS",
                                                                                 "BPF_NETFILTER",
                                                                                 "BPF_TCX_INGRESS",
                                                                                 "BPF_TCX_EGRESS",
                                                                                 "BPF_TRACE_UPROBE_MULTI",
                                                                                 "BPF_CGROUP_UNIX_CONNECT",
                                                                                 "BPF_CGROUP_UNIX_SENDMSG",
                                                                                 "BPF_CGROUP_UNIX_RECVMSG",
                                                                                 "BPF_CGROUP_UNIX_GETPEERNAME",
                                                                                 "BPF_CGROUP_UNIX_GETSOCKNAME",
                                                                                 "BPF_NETKIT_PRIMARY",
                                                                                 "BPF_NETKIT_PEER",
                                                                                 "BPF_TRACE_KPROBE_SESSION",
                                                                                 "BPF_TRACE_UPROBE_SESSION"});

constexpr std::array<ConstantName, 14> map_flag_names = {{
    {1u << 0, "BPF_F_NO_PREALLOC"},
    {1u << 1, "BPF_F_NO_COMMON_LRU"},
    {1u << 2, "BPF_F_NUMA_NODE"},
    {1u << 3, "BPF_F_RDONLY"},
    {1u << 4, "BPF_F_WRONLY"},
    {1u << 5, "BPF_F_STACK_BUILD_ID"},
    {1u << 6, "BPF_F_ZERO_SEED"},
    {1u << 7, "BPF_F_RDONLY_PROG"},
    {1u << 8, "BPF_F_WRONLY_PROG"},
    {1u << 9, "BPF_F_CLONE"},
    {1u << 10, "BPF_F_MMAPABLE"},
    {1u << 11, "BPF_F_PRESERVE_ELEMS"},
    {1u << 12, "BPF_F_INNER_MAP"},
    {1u << 13, "BPF_F_LINK", StraceVersion::v7_2},
}};

// Reading an element takes flags that can be combined, writing one takes one of four values.
constexpr std::array<ConstantName, 2> lookup_flag_names = {{{BPF_ANY, "BPF_ANY"}, {BPF_F_LOCK, "BPF_F_LOCK"}}};
constexpr std::array<ConstantName, 4> update_flag_names = {
    {{BPF_ANY, "BPF_ANY"}, {BPF_NOEXIST, "BPF_NOEXIST"}, {BPF_EXIST, "BPF_EXIST"}, {BPF_F_LOCK, "BPF_F_LOCK"}}};

constexpr std::array<ConstantName, 8> prog_flag_names = {{
    {1u << 0, "BPF_F_STRICT_ALIGNMENT"},
    {1u << 1, "BPF_F_ANY_ALIGNMENT"},
    {1u << 2, "BPF_F_TEST_RND_HI32"},
    {1u << 3, "BPF_F_TEST_STATE_FREQ"},
    {1u << 4, "BPF_F_SLEEPABLE"},
    {1u << 5, "BPF_F_XDP_HAS_FRAGS", StraceVersion::v7_2},
    {1u << 6, "BPF_F_XDP_DEV_BOUND_ONLY", StraceVersion::v7_2},
    {1u << 7, "BPF_F_TEST_REG_INVARIANTS", StraceVersion::v7_2},
}};

constexpr std::array<ConstantName, 8> attach_flag_names = {{
    {1u << 0, "BPF_F_ALLOW_OVERRIDE"},
    {1u << 1, "BPF_F_ALLOW_MULTI"},
    {1u << 2, "BPF_F_REPLACE"},
    {1u << 3, "BPF_F_BEFORE", StraceVersion::v7_2},
    {1u << 4, "BPF_F_AFTER", StraceVersion::v7_2},
    {1u << 5, "BPF_F_ID", StraceVersion::v7_2},
    {1u << 6, "BPF_F_PREORDER", StraceVersion::v7_2},
    {1u << 13, "BPF_F_LINK", StraceVersion::v7_2},
}};

constexpr std::array<ConstantName, 2> file_flag_names = {
    {{BPF_F_RDONLY, "BPF_F_RDONLY"}, {BPF_F_WRONLY, "BPF_F_WRONLY"}}};
constexpr std::array<ConstantName, 1> kprobe_multi_flag_names = {{{1, "BPF_F_KPROBE_MULTI_RETURN"}}};
constexpr std::array<ConstantName, 1> uprobe_multi_flag_names = {{{1, "BPF_F_UPROBE_MULTI_RETURN"}}};
constexpr std::array<ConstantName, 1> netfilter_flag_names = {{{1, "BPF_F_NETFILTER_IP_DEFRAG"}}};
constexpr std::array<ConstantName, 2> test_run_flag_names = {
    {{BPF_F_TEST_RUN_ON_CPU, "BPF_F_TEST_RUN_ON_CPU"}, {BPF_F_TEST_XDP_LIVE_FRAMES, "BPF_F_TEST_XDP_LIVE_FRAMES"}}};
constexpr std::array<ConstantName, 1> stats_type_names = {{{BPF_STATS_RUN_TIME, "BPF_STATS_RUN_TIME"}}};

constexpr auto perf_type_names =
    numbered<6>(std::array<std::string_view, 6>{"PERF_TYPE_HARDWARE", "PERF_TYPE_SOFTWARE", "PERF_TYPE_TRACEPOINT",
                                                "PERF_TYPE_HW_CACHE", "PERF_TYPE_RAW", "PERF_TYPE_BREAKPOINT"});

constexpr std::array<ConstantName, 9> perf_attr_size_names = {{
    {64, "PERF_ATTR_SIZE_VER0"},
    {72, "PERF_ATTR_SIZE_VER1"},
    {80, "PERF_ATTR_SIZE_VER2"},
    {96, "PERF_ATTR_SIZE_VER3"},
    {104, "PERF_ATTR_SIZE_VER4"},
    {112, "PERF_ATTR_SIZE_VER5"},
    {120, "PERF_ATTR_SIZE_VER6"},
    {128, "PERF_ATTR_SIZE_VER7"},
    {136, "PERF_ATTR_SIZE_VER8", StraceVersion::v7_2},
}};

constexpr auto perf_hardware_names = numbered<10>(std::array<std::string_view, 10>{
    "PERF_COUNT_HW_CPU_CYCLES", "PERF_COUNT_HW_INSTRUCTIONS", "PERF_COUNT_HW_CACHE_REFERENCES",
    "PERF_COUNT_HW_CACHE_MISSES", "PERF_COUNT_HW_BRANCH_INSTRUCTIONS", "PERF_COUNT_HW_BRANCH_MISSES",
    "PERF_COUNT_HW_BUS_CYCLES", "PERF_COUNT_HW_STALLED_CYCLES_FRONTEND", "PERF_COUNT_HW_STALLED_CYCLES_BACKEND",
    "PERF_COUNT_HW_REF_CPU_CYCLES"});

constexpr auto perf_software_names = numbered<12>(std::array<std::string_view, 12>{
    "PERF_COUNT_SW_CPU_CLOCK", "PERF_COUNT_SW_TASK_CLOCK", "PERF_COUNT_SW_PAGE_FAULTS",
    "PERF_COUNT_SW_CONTEXT_SWITCHES", "PERF_COUNT_SW_CPU_MIGRATIONS", "PERF_COUNT_SW_PAGE_FAULTS_MIN",
    "PERF_COUNT_SW_PAGE_FAULTS_MAJ", "PERF_COUNT_SW_ALIGNMENT_FAULTS", "PERF_COUNT_SW_EMULATION_FAULTS",
    "PERF_COUNT_SW_DUMMY", "PERF_COUNT_SW_BPF_OUTPUT", "PERF_COUNT_SW_CGROUP_SWITCHES"});

constexpr auto perf_cache_names = numbered<7>(std::array<std::string_view, 7>{
    "PERF_COUNT_HW_CACHE_L1D", "PERF_COUNT_HW_CACHE_L1I", "PERF_COUNT_HW_CACHE_LL", "PERF_COUNT_HW_CACHE_DTLB",
    "PERF_COUNT_HW_CACHE_ITLB", "PERF_COUNT_HW_CACHE_BPU", "PERF_COUNT_HW_CACHE_NODE"});

constexpr auto perf_cache_operation_names = numbered<3>(std::array<std::string_view, 3>{
    "PERF_COUNT_HW_CACHE_OP_READ", "PERF_COUNT_HW_CACHE_OP_WRITE", "PERF_COUNT_HW_CACHE_OP_PREFETCH"});

constexpr auto perf_cache_result_names = numbered<2>(
    std::array<std::string_view, 2>{"PERF_COUNT_HW_CACHE_RESULT_ACCESS", "PERF_COUNT_HW_CACHE_RESULT_MISS"});

// Bit 0, bit 1, ...
template <std::size_t N>
constexpr std::array<ConstantName, N> bits(const std::array<std::string_view, N>& texts) {
    std::array<ConstantName, N> names{};
    for (std::size_t i = 0; i < N; ++i) names[i] = {.value = std::uint64_t{1} << i, .text = texts[i]};
    return names;
}

constexpr auto perf_sample_names = bits(std::array<std::string_view, 25>{"PERF_SAMPLE_IP",
                                                                         "PERF_SAMPLE_TID",
                                                                         "PERF_SAMPLE_TIME",
                                                                         "PERF_SAMPLE_ADDR",
                                                                         "PERF_SAMPLE_READ",
                                                                         "PERF_SAMPLE_CALLCHAIN",
                                                                         "PERF_SAMPLE_ID",
                                                                         "PERF_SAMPLE_CPU",
                                                                         "PERF_SAMPLE_PERIOD",
                                                                         "PERF_SAMPLE_STREAM_ID",
                                                                         "PERF_SAMPLE_RAW",
                                                                         "PERF_SAMPLE_BRANCH_STACK",
                                                                         "PERF_SAMPLE_REGS_USER",
                                                                         "PERF_SAMPLE_STACK_USER",
                                                                         "PERF_SAMPLE_WEIGHT",
                                                                         "PERF_SAMPLE_DATA_SRC",
                                                                         "PERF_SAMPLE_IDENTIFIER",
                                                                         "PERF_SAMPLE_TRANSACTION",
                                                                         "PERF_SAMPLE_REGS_INTR",
                                                                         "PERF_SAMPLE_PHYS_ADDR",
                                                                         "PERF_SAMPLE_AUX",
                                                                         "PERF_SAMPLE_CGROUP",
                                                                         "PERF_SAMPLE_DATA_PAGE_SIZE",
                                                                         "PERF_SAMPLE_CODE_PAGE_SIZE",
                                                                         "PERF_SAMPLE_WEIGHT_STRUCT"});

constexpr auto perf_read_format_names =
    bits(std::array<std::string_view, 5>{"PERF_FORMAT_TOTAL_TIME_ENABLED", "PERF_FORMAT_TOTAL_TIME_RUNNING",
                                         "PERF_FORMAT_ID", "PERF_FORMAT_GROUP", "PERF_FORMAT_LOST"});

constexpr std::array<ConstantName, 4> access_mode_names = {
    {{O_RDONLY, "O_RDONLY"}, {O_WRONLY, "O_WRONLY"}, {O_RDWR, "O_RDWR"}, {O_ACCMODE, "O_ACCMODE"}}};

// O_SYNC comes before O_DSYNC, which is one of its bits; so does O_TMPFILE before O_DIRECTORY.
constexpr std::array<ConstantName, 16> open_flag_names = {{
    {O_CREAT, "O_CREAT"},
    {O_EXCL, "O_EXCL"},
    {O_NOCTTY, "O_NOCTTY"},
    {O_TRUNC, "O_TRUNC"},
    {O_APPEND, "O_APPEND"},
    {O_NONBLOCK, "O_NONBLOCK"},
    {O_SYNC, "O_SYNC"},
    {O_DSYNC, "O_DSYNC"},
    {O_DIRECT, "O_DIRECT"},
    {O_NOFOLLOW, "O_NOFOLLOW"},
    {O_NOATIME, "O_NOATIME"},
    {O_CLOEXEC, "O_CLOEXEC"},
    {O_PATH, "O_PATH"},
    {O_TMPFILE, "O_TMPFILE"},
    {O_DIRECTORY, "O_DIRECTORY"},
    {O_ASYNC, "FASYNC"},
}};

constexpr std::array<ConstantName, 4> protection_names = {
    {{PROT_NONE, "PROT_NONE"}, {PROT_READ, "PROT_READ"}, {PROT_WRITE, "PROT_WRITE"}, {PROT_EXEC, "PROT_EXEC"}}};

constexpr auto seek_names =
    numbered<5>(std::array<std::string_view, 5>{"SEEK_SET", "SEEK_CUR", "SEEK_END", "SEEK_DATA", "SEEK_HOLE"});

}  // namespace

const NameTable bpf_commands{command_names, "BPF_???"};
const NameTable bpf_map_types{map_type_names, "BPF_MAP_TYPE_???"};
const NameTable bpf_map_flags{map_flag_names, "BPF_F_???"};
const NameTable bpf_lookup_flags{lookup_flag_names, "BPF_???"};
const NameTable bpf_update_flags{update_flag_names, "BPF_???"};
const NameTable bpf_prog_types{prog_type_names, "BPF_PROG_TYPE_???"};
const NameTable bpf_prog_flags{prog_flag_names, "BPF_F_???"};
const NameTable bpf_attach_types{attach_type_names, "BPF_???"};
const NameTable bpf_attach_flags{attach_flag_names, "BPF_F_???"};
const NameTable bpf_file_flags{file_flag_names, "BPF_F_???"};
const NameTable bpf_kprobe_multi_flags{kprobe_multi_flag_names, "BPF_F_KPROBE_MULTI_???", "BPF_F_???"};
const NameTable bpf_uprobe_multi_flags{uprobe_multi_flag_names, "BPF_F_UPROBE_MULTI_???"};
const NameTable bpf_netfilter_flags{netfilter_flag_names, "BPF_F_NETFILTER_???"};
const NameTable bpf_test_run_flags{test_run_flag_names, "BPF_F_???"};
const NameTable bpf_stats_types{stats_type_names, "BPF_STATS_???"};

const NameTable perf_types{perf_type_names, "PERF_TYPE_???"};
const NameTable perf_attr_sizes{perf_attr_size_names, "PERF_ATTR_SIZE_???"};
const NameTable perf_hardware_events{perf_hardware_names, "PERF_COUNT_HW_???"};
const NameTable perf_software_events{perf_software_names, "PERF_COUNT_SW_???"};
const NameTable perf_caches{perf_cache_names, "PERF_COUNT_HW_CACHE_???"};
const NameTable perf_cache_operations{perf_cache_operation_names, "PERF_COUNT_HW_CACHE_OP_???"};
const NameTable perf_cache_results{perf_cache_result_names, "PERF_COUNT_HW_CACHE_RESULT_???"};
const NameTable perf_sample_types{perf_sample_names, "PERF_SAMPLE_???"};
const NameTable perf_read_formats{perf_read_format_names, "PERF_FORMAT_???"};

const NameTable open_access_modes{access_mode_names, "O_???"};
const NameTable open_flags{open_flag_names, "O_???"};
const NameTable mmap_protections{protection_names, "PROT_???"};
const NameTable seek_origins{seek_names, "SEEK_???"};

namespace {

std::string unknown_text(const NameTable& table, std::uint64_t value, StraceVersion version) {
    const bool differs = version < StraceVersion::v7_2 && !table.unknown_6_1.empty();
    return fmt::format("{:#x} /* {} */", value, differs ? table.unknown_6_1 : table.unknown);
}

}  // namespace

std::string enum_text(const NameTable& table, std::uint64_t value, StraceVersion version) {
    for (const ConstantName& name : table.names) {
        if (name.value == value && name.since <= version) return std::string(name.text);
    }
    return unknown_text(table, value, version);
}

std::string flags_text(const NameTable& table, std::uint64_t value, StraceVersion version) {
    if (value == 0) {
        const bool zero_has_name = !table.names.empty() && table.names.front().value == 0;
        return zero_has_name ? std::string(table.names.front().text) : "0";
    }
    std::string text;
    std::uint64_t rest = value;
    for (const ConstantName& name : table.names) {
        const bool is_set = name.value != 0 && (rest & name.value) == name.value;
        if (!is_set || name.since > version) continue;
        text += fmt::format("{}{}", text.empty() ? "" : "|", name.text);
        rest &= ~name.value;
    }
    if (text.empty()) return unknown_text(table, value, version);
    if (rest != 0) text += fmt::format("|{:#x}", rest);
    return text;
}

}  // namespace minibpf
