// Which lines of trace_pipe can come from an object: the formats that its programs give to bpf_trace_printk().
//
// The kernel writes every program's lines into one buffer and does not say whose they are. But the format of a call is
// nearly always a constant, in .rodata or put on the stack by constant stores, so it can be read off the instructions.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <libminibpf/object/object_spec.hpp>

#pragma GCC visibility push(default)

namespace minibpf {

/// What an object can print.
struct PrintkFormats {
    std::vector<std::string> formats;
    bool complete = true;  ///< false: some call's format could not be told, so any line may be the object's

    bool empty() const noexcept { return formats.empty() && complete; }  ///< the object prints nothing
};

/// The formats of all bpf_trace_printk() and bpf_trace_vprintk() calls of the object's functions.
PrintkFormats printk_formats(const ObjectSpec& object);
/// The same for some functions, by their indices in ObjectSpec::functions: those of the programs that are loaded.
PrintkFormats printk_formats(const ObjectSpec& object, std::span<const std::size_t> functions);

/// Whether `message` can be the first line of what `format` prints: the text between the conversions is there, in
/// order.
bool matches_format(std::string_view message, std::string_view format);

}  // namespace minibpf

#pragma GCC visibility pop
