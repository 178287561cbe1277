#pragma once
// What parity_libbpf and parity_minibpf have in common: main() is in runner.cpp, which calls these three. Each attempt
// to load is made in a process of its own, so they need not clean up.

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <linux/bpf.h>

#include <tests/parity/kernel_report.hpp>

namespace minibpf::test {

/// The library did not open or load the object. The message is one line.
struct Refused : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct Request {
    std::string path;
    std::string core_btf;  ///< what CO-RE goes by; empty: the running kernel's
};

struct ProgramName {
    std::string name;
    bool optional = false;  ///< SEC("?..."): not loaded unless asked for
};

/// The object's programs, the optional ones too. Throws Refused when the object cannot even be opened.
std::vector<ProgramName> program_names(const Request& request);

/// Loads all programs but the optional ones, or with a name only that one. Throws Refused.
LoadedObject open_and_load(const Request& request, const std::string& only_program);

/// Tools leave 0 in the object where they set the size at run time (bpf_map__set_max_entries(), ..._value_size()).
/// Both libraries get the same in its place, so that such objects can be compared as well.
inline void size_as_tools_do(std::uint32_t type, std::uint32_t& value_size, std::uint32_t& max_entries) {
    constexpr std::uint32_t stack_bytes = 127 * 8;  // PERF_MAX_STACK_DEPTH addresses
    if (type == BPF_MAP_TYPE_STACK_TRACE && value_size == 0) value_size = stack_bytes;
    if (max_entries != 0) return;
    switch (type) {
        case BPF_MAP_TYPE_HASH:
        case BPF_MAP_TYPE_PERCPU_HASH:
        case BPF_MAP_TYPE_LRU_HASH:
        case BPF_MAP_TYPE_LRU_PERCPU_HASH:
        case BPF_MAP_TYPE_ARRAY:
        case BPF_MAP_TYPE_PERCPU_ARRAY:
        case BPF_MAP_TYPE_STACK_TRACE:
        case BPF_MAP_TYPE_HASH_OF_MAPS:
        case BPF_MAP_TYPE_ARRAY_OF_MAPS:
        case BPF_MAP_TYPE_DEVMAP:
        case BPF_MAP_TYPE_DEVMAP_HASH:
        case BPF_MAP_TYPE_XSKMAP: max_entries = 64; break;
        case BPF_MAP_TYPE_CPUMAP: max_entries = 1; break;
        case BPF_MAP_TYPE_RINGBUF: max_entries = 64 << 10; break;
        default: break;  // 0 is right, or the kernel's to refuse
    }
}

inline bool is_usdt(std::string_view section) {
    return section.starts_with("usdt") || section.starts_with("?usdt");
}

}  // namespace minibpf::test
