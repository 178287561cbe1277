// A call from the inside, as lines of text: its fields with their bytes, its instructions, its keys and values.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <libminibpf/kernel/encode.hpp>
#include <libminibpf/kernel/syscall.hpp>
#include <libminibpf/narrate/attr_fields.hpp>
#include <libminibpf/narrate/strace_version.hpp>

namespace minibpf {

/// The fields of the struct that the call passes; none for calls that pass no struct.
std::vector<CallField> fields_of(const Syscall& call, AttrSize attr_size, StraceVersion version);

/// One line for each field: where it lies in the attr, its bytes, its value and what that means.
std::vector<std::string> field_lines(const std::vector<CallField>& fields);

/// What the call's pointers lead to: a program's first instructions (`insn_limit` of them, 0: all), a key and its
/// value, the function that a probe is for.
std::vector<std::string> pointed_to_lines(const Syscall& call, std::size_t insn_limit);

}  // namespace minibpf
