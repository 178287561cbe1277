// BPF_PROG_ATTACH, the way before links: cgroups, sockmaps, network namespaces, and beside links tcx and netkit.
#pragma once

#include <functional>
#include <string>

#include <libminibpf/attach/link.hpp>
#include <libminibpf/load/object.hpp>

namespace minibpf {

/// Attaches `program` to `call.target_fd`, and detaches it when the Link dies. `target`, if it is open, is kept open
/// until then, and is the call's target.
Link prog_attach(KernelGate& gate, const Program& program, const Hook& hook, Fd target, ProgAttach call,
                 const Reason& reason, const std::function<std::string(int)>& hint_for);

}  // namespace minibpf
