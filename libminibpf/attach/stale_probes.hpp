// Probes that a loader left behind in tracefs when it was killed.
#pragma once

#include <string>
#include <vector>

#include <libminibpf/kernel/kernel_gate.hpp>

#pragma GCC visibility push(default)

namespace minibpf {

/// Removes the events `minibpf/..._PID_NUMBER` in kprobe_events and uprobe_events whose process is gone; the names of
/// those that were removed. What is still in use stays, the kernel sees to that (EBUSY). Never throws: what cannot be
/// read or removed is left.
std::vector<std::string> remove_stale_probes(KernelGate& gate);

}  // namespace minibpf

#pragma GCC visibility pop
