// What can be done with a link once it is there, through any descriptor of it: the one that BPF_LINK_CREATE gave, one
// from a pin, or one by its id.
#pragma once

#include <optional>

#include <libminibpf/kernel/kernel_gate.hpp>

#pragma GCC visibility push(default)

namespace minibpf {

/// BPF_LINK_UPDATE (Linux 5.7): the link runs another program of the same type from now on, without a gap. With
/// `old_prog_fd` only if that is the one that it runs (BPF_F_REPLACE).
/// Throws Error: EINVAL or EOPNOTSUPP where the hook's links cannot be updated (tracing, perf events: detach and
/// attach), EPERM when it runs another one than `old_prog_fd`.
void update_link(KernelGate& gate, int link_fd, int prog_fd, std::optional<int> old_prog_fd = {});

/// BPF_LINK_DETACH (5.9): the program runs no more; the link stays, idle, until its last descriptor and pin are gone.
/// Throws Error: EOPNOTSUPP where only the link's end detaches (tracing, raw tracepoints, perf events).
void detach_link(KernelGate& gate, int link_fd);

}  // namespace minibpf

#pragma GCC visibility pop
