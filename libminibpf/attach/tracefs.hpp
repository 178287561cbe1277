// tracefs: the file system in which the kernel shows its tracepoints, takes kprobes and gives out trace_pipe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <libminibpf/kernel/fd.hpp>

#pragma GCC visibility push(default)

namespace minibpf {

/// Opens a file below tracefs, wherever that is mounted: /sys/kernel/tracing (Linux 4.1), or /sys/kernel/debug/tracing
/// of older set-ups. When it is mounted nowhere it is mounted at /sys/kernel/tracing, which takes root.
struct TracefsFile {
    Fd fd;  ///< not open when the file does not exist in a mounted tracefs
    std::string path;
};

/// Throws Error (Blame::facility) when there is no tracefs, or no permission to look into it.
TracefsFile open_tracefs(KernelGate& gate, const std::string& name, int flags, const Reason& reason = {});

/// "syscalls:sys_enter_execve" and so on, every line of available_events; empty when it cannot be read.
std::vector<std::string> available_events(KernelGate& gate);

/// "did you mean a, b?" from names near to `wanted`; empty when none is near.
std::string did_you_mean(std::string_view wanted, const std::vector<std::string>& names);

}  // namespace minibpf

#pragma GCC visibility pop
