// Loading: an ObjectSpec and a gate become an Object, in the fewest calls.
//
//     BPF_BTF_LOAD                         if the object has BTF
//     BPF_MAP_CREATE                       for each map; for data sections also BPF_MAP_UPDATE_ELEM (the contents),
//                                          and BPF_MAP_FREEZE for .rodata
//     BPF_PROG_LOAD                        for each program
//
// Nothing is probed. What the kernel refuses is tried once more in a simpler form where there is one (no BTF), or with
// a log buffer, to tell why.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <libminibpf/load/object.hpp>

namespace minibpf {

struct LoadOptions {
    /// Only these programs; empty: all but the optional ones (SEC("?...")).
    std::vector<std::string> programs;
    /// Told what was learnt from a refusal that was survived: "the kernel refused BTF (EINVAL): going on without it".
    std::function<void(const std::string&)> notice = [](const std::string&) {};
};

/// Reads and parses an object file, and reads nothing else.
ObjectSpec open_object(KernelGate& gate, const std::string& path);

/// Creates the object's maps and loads its programs. `gate` must outlive the Object.
///
/// Throws Error: the program's name and section, the call, the errno and, for a rejected program, the verifier's whole
/// log. Whatever was created before the failure is closed again.
Object load(KernelGate& gate, ObjectSpec object, const LoadOptions& options = {});

}  // namespace minibpf
