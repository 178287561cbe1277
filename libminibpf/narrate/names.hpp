// The kernel's constants by name, as far as strace knows them: enumerations and flags.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <libminibpf/narrate/strace_version.hpp>

namespace minibpf {

struct ConstantName {
    std::uint64_t value = 0;
    std::string_view text;
    StraceVersion since = StraceVersion::v6_1;
};

struct NameTable {
    std::span<const ConstantName> names;
    std::string_view unknown;           ///< "BPF_MAP_TYPE_???": what strace says of a value that it does not know
    std::string_view unknown_6_1 = {};  ///< what 6.1 says, where that differs
};

/// `BPF_MAP_TYPE_HASH`, or `0x2e /* BPF_MAP_TYPE_??? */`.
std::string enum_text(const NameTable& table, std::uint64_t value, StraceVersion version = StraceVersion::v6_1);

/// `BPF_F_RDONLY|0x8000`, `0`, or `0x8000 /* BPF_F_??? */`.
std::string flags_text(const NameTable& table, std::uint64_t value, StraceVersion version = StraceVersion::v6_1);

extern const NameTable bpf_commands;
extern const NameTable bpf_map_types;
extern const NameTable bpf_map_flags;
extern const NameTable bpf_lookup_flags;
extern const NameTable bpf_update_flags;
extern const NameTable bpf_prog_types;
extern const NameTable bpf_prog_flags;
extern const NameTable bpf_attach_types;
extern const NameTable bpf_attach_flags;
extern const NameTable bpf_file_flags;
extern const NameTable bpf_kprobe_multi_flags;
extern const NameTable bpf_uprobe_multi_flags;
extern const NameTable bpf_netfilter_flags;
extern const NameTable bpf_test_run_flags;
extern const NameTable bpf_stats_types;

extern const NameTable perf_types;
extern const NameTable perf_attr_sizes;
extern const NameTable perf_hardware_events;
extern const NameTable perf_software_events;
extern const NameTable perf_caches;
extern const NameTable perf_cache_operations;
extern const NameTable perf_cache_results;
extern const NameTable perf_sample_types;
extern const NameTable perf_read_formats;

extern const NameTable open_access_modes;
extern const NameTable open_flags;
extern const NameTable mmap_protections;
extern const NameTable seek_origins;

}  // namespace minibpf
