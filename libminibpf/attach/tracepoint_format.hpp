// A tracepoint's fields: the file /sys/kernel/tracing/events/CATEGORY/NAME/format, and the C struct that a program
// declares for its context.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#pragma GCC visibility push(default)

namespace minibpf {

/// A field of a tracepoint, as a line of its format tells it.
struct TracepointField {
    std::string
        declaration;  ///< as the file has it: "const char * filename", "char comm[16]", "__data_loc char[] name"
    std::string name;
    std::uint32_t offset = 0;  ///< bytes
    std::uint32_t size = 0;    ///< bytes
    bool is_signed = false;
    std::uint32_t count = 0;  ///< elements of an array; 0: none
};

/// The fields in the file's order; lines that are none are passed over.
std::vector<TracepointField> parse_tracepoint_format(std::string_view format);

/// `struct sys_enter_execve { ... };` with every field at its offset, in types of known size (u64, s32, ...): what the
/// kernel calls `int` may take 8 bytes there.
std::string tracepoint_struct(std::string_view name, const std::vector<TracepointField>& fields);

}  // namespace minibpf

#pragma GCC visibility pop
