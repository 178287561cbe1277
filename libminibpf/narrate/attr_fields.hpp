// What lies where in the bytes of a call, and what it means: one table per bpf(2) command, and one for
// perf_event_open(2).
//
// The strace mirror prints these fields in order, as far as the attr's size reaches; `loader step` shows them one by
// one with their bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <linux/perf_event.h>

#include <libminibpf/base/bytes.hpp>
#include <libminibpf/kernel/encode.hpp>
#include <libminibpf/narrate/strace_version.hpp>

namespace minibpf {

/// One field of a call, ready to be shown.
struct CallField {
    std::string name;          ///< with the struct that it is in: "raw_tracepoint.prog_fd"
    std::size_t offset = 0;    ///< in the attr
    Bytes bytes;               ///< as the kernel reads them
    std::string value;         ///< as strace prints it
    std::string_view meaning;  ///< one line
    bool is_puzzling = false;  ///< strace's words mislead here, and `meaning` says so
};

/// The fields of a bpf(2) call that its size covers. At entry: what the kernel writes back is not known yet.
std::vector<CallField> fields_of(const EncodedBpf& call, StraceVersion version);

/// The fields of a perf_event_open(2) attr that strace shows without -v.
std::vector<CallField> fields_of(const perf_event_attr& attr, StraceVersion version);

/// `{map_type=BPF_MAP_TYPE_HASH, key_size=4, ...}`: braces around each group of dotted names, `, ...` where strace
/// knows of no field but some byte is not zero.
std::string struct_text(const std::vector<CallField>& fields, bool has_more);

/// Whether a byte behind the fields that strace knows is not zero.
bool has_unknown_bytes(const EncodedBpf& call, StraceVersion version);

/// `if_nametoindex("lo")`, the number when no interface has it, and `0`.
std::string interface_text(std::uint64_t index);

}  // namespace minibpf
