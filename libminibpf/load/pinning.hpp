// Maps that outlive the loader: a name in a bpffs keeps a map alive, and the next load finds it there.
#pragma once

#include <string>

#include <libminibpf/kernel/fd.hpp>
#include <libminibpf/object/object_spec.hpp>

namespace minibpf {

/// The map that is pinned at `path`; not open when nothing is. `wanted` is what would be created otherwise.
/// Throws Error (Blame::object) when the pinned map has another type, size or flags.
Fd open_pinned_map(KernelGate& gate, const std::string& path, const MapSpec& spec, const MapCreate& wanted);

}  // namespace minibpf

#pragma GCC visibility push(default)

namespace minibpf {

/// Pins what `fd` is of, a map, a program or a link, at `path`: mounts the bpffs where there is none, and makes the
/// directories on the way. Throws Error.
void pin_object(KernelGate& gate, const std::string& path, int fd, const std::string& what);

}  // namespace minibpf

#pragma GCC visibility pop
