// The names of program and map types, as bpftool and the kernel's own messages write them: BPF_PROG_TYPE_RAW_TRACEPOINT
// is "raw_tracepoint". The number is the place in the list (enum bpf_prog_type, enum bpf_map_type in <linux/bpf.h>).
#include <libminibpf/object/hook.hpp>

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

#include <libminibpf/base/error.hpp>
#include <libminibpf/base/nearest.hpp>
#include <libminibpf/object/section_names.hpp>

namespace minibpf {

namespace {

constexpr std::array<std::string_view, 33> program_types = {
    "unspec",
    "socket_filter",
    "kprobe",
    "sched_cls",
    "sched_act",
    "tracepoint",
    "xdp",
    "perf_event",
    "cgroup_skb",
    "cgroup_sock",
    "lwt_in",
    "lwt_out",
    "lwt_xmit",
    "sock_ops",
    "sk_skb",
    "cgroup_device",
    "sk_msg",
    "raw_tracepoint",
    "cgroup_sock_addr",
    "lwt_seg6local",
    "lirc_mode2",
    "sk_reuseport",
    "flow_dissector",
    "cgroup_sysctl",
    "raw_tracepoint_writable",
    "cgroup_sockopt",
    "tracing",
    "struct_ops",
    "ext",
    "lsm",
    "sk_lookup",
    "syscall",
    "netfilter",
};
static_assert(program_types[BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE] == "raw_tracepoint_writable");
static_assert(program_types[BPF_PROG_TYPE_SYSCALL] == "syscall");

constexpr std::array<std::string_view, 35> map_types = {
    "unspec",
    "hash",
    "array",
    "prog_array",
    "perf_event_array",
    "percpu_hash",
    "percpu_array",
    "stack_trace",
    "cgroup_array",
    "lru_hash",
    "lru_percpu_hash",
    "lpm_trie",
    "array_of_maps",
    "hash_of_maps",
    "devmap",
    "sockmap",
    "cpumap",
    "xskmap",
    "sockhash",
    "cgroup_storage",
    "reuseport_sockarray",
    "percpu_cgroup_storage",
    "queue",
    "stack",
    "sk_storage",
    "devmap_hash",
    "struct_ops",
    "ringbuf",
    "inode_storage",
    "task_storage",
    "bloom_filter",
    "user_ringbuf",
    "cgrp_storage",
    "arena",
    "insn_array",
};
static_assert(map_types[BPF_MAP_TYPE_SK_STORAGE] == "sk_storage");
static_assert(map_types[BPF_MAP_TYPE_USER_RINGBUF] == "user_ringbuf");

template <std::size_t Count>
std::string name_or_number(const std::array<std::string_view, Count>& names, std::uint32_t number) {
    return number < Count ? std::string(names[number]) : fmt::format("type {}", number);
}

std::string lower_case(std::string_view text) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
    return lower;
}

}  // namespace

std::string program_type_name(bpf_prog_type type) {
    return name_or_number(program_types, static_cast<std::uint32_t>(type));
}

bpf_prog_type parse_program_type(std::string_view name) {
    constexpr std::string_view prefix = "bpf_prog_type_";
    std::string wanted = lower_case(name);
    if (wanted.starts_with(prefix)) wanted.erase(0, prefix.size());
    // "unspec" is no type that a program can have.
    const auto found = std::find(program_types.begin() + 1, program_types.end(), wanted);
    if (found != program_types.end()) return static_cast<bpf_prog_type>(found - program_types.begin());
    // A section name will do as well: "tp", "raw_tp", "socket", "fentry".
    if (const SectionName* row = find_spelling(wanted)) return static_cast<bpf_prog_type>(row->program_type);
    const std::string near = nearest(wanted, program_types);
    throw Error({.doing = fmt::format("'{}' is no program type", name),
                 .hint = near.empty() ? "for example tracepoint, kprobe, raw_tracepoint, xdp, socket_filter, sched_cls"
                                      : fmt::format("did you mean '{}'?", near),
                 .blame = Blame::usage});
}

std::string map_type_name(bpf_map_type type) {
    return name_or_number(map_types, static_cast<std::uint32_t>(type));
}

bpf_map_type parse_map_type(std::string_view name) {
    constexpr std::string_view prefix = "bpf_map_type_";
    std::string wanted = lower_case(name);
    if (wanted.starts_with(prefix)) wanted.erase(0, prefix.size());
    const auto found = std::find(map_types.begin() + 1, map_types.end(), wanted);
    if (found != map_types.end()) return static_cast<bpf_map_type>(found - map_types.begin());
    const std::string near = nearest(wanted, map_types);
    throw Error({.doing = fmt::format("'{}' is no map type", name),
                 .hint = near.empty() ? "for example hash, array, lru_hash, percpu_array, ringbuf"
                                      : fmt::format("did you mean '{}'?", near),
                 .blame = Blame::usage});
}

}  // namespace minibpf
