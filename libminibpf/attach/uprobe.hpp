// What uprobes and USDT probes share: a perf event at a place in a file.
#pragma once

#include <cstdint>
#include <string>

#include <libminibpf/attach/attach.hpp>

namespace minibpf {

struct UprobePlace {
    std::string path;
    std::uint64_t offset = 0;            ///< in the file, bytes
    std::uint64_t semaphore_offset = 0;  ///< in the file; 0: there is none
    bool at_return = false;
    std::string description;  ///< "hello at uprobe:/bin/bash:readline"
};

/// One uprobe, by the PMU or by tracefs, and the program on it.
Link attach_to_place(KernelGate& gate, const Program& program, const UprobePlace& place, const AttachOptions& options);

}  // namespace minibpf
