// Loading: an ObjectSpec and a gate become an Object, in the fewest calls.
//
//     the kernel's types                   if a program has CO-RE relocations or a target in the kernel, or uses its
//                                          variables and functions
//     BPF_BTF_LOAD                         if the object has BTF
//     BPF_MAP_CREATE                       for each map; for data sections also BPF_MAP_UPDATE_ELEM (the contents),
//                                          and BPF_MAP_FREEZE for .rodata and .kconfig
//     BPF_PROG_LOAD                        for each program
//     BPF_MAP_UPDATE_ELEM                  for each map and program that a definition puts into a map
//
// Nothing is probed. What the kernel refuses is tried once more in a simpler form where there is one (BTF without the
// kinds that are too new, or no BTF), or with a log buffer, to tell why.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <libminibpf/load/object.hpp>

#pragma GCC visibility push(default)

namespace minibpf {

class KernelTypes;

/// The running kernel's types, for LoadOptions::kernel_types. Nothing is read before a load needs it. `btf` is a file
/// as LoadOptions::btf names it. `gate`, through which they are read, must outlive them.
std::shared_ptr<KernelTypes> make_kernel_types(KernelGate& gate, std::string btf = {});

/// How to load. By default all programs, for the running kernel.
struct LoadOptions {
    /// Only these programs; empty: all but the optional ones (SEC("?...")).
    std::vector<std::string> programs;
    /// Load what can be loaded: a program that fails is noted in Object::failed_programs() and the rest goes on. At
    /// least one has to succeed.
    bool keep_going = false;
    /// A file with the BTF that CO-RE goes by instead of the running kernel's; empty: the kernel's own.
    std::string btf;
    /// Types that several loads share: the kernel's, indexed once (a third of a megabyte more, once names are asked for
    /// that the first load did not know of), its modules as the first load that asked found them, and the file `btf`,
    /// which must be the one that they were made with. Null: this load reads what it needs, and gives it back.
    std::shared_ptr<KernelTypes> kernel_types;
    /// Where maps with a pin name are looked for and pinned.
    std::string pin_directory = "/sys/fs/bpf";
    /// The loaded program that a freplace, fentry or fexit program is for, by the latter's name.
    std::map<std::string, int> target_prog_fds;
    /// What the verifier is to write down: 1 the path that it took, 2 each instruction with the registers' state, |4
    /// how much work it was. 0: nothing, unless it refuses.
    std::uint32_t log_level = 0;
    /// Told of each program that was accepted what the verifier wrote, when there is a log_level.
    std::function<void(const std::string& program, std::string_view log)> verified = [](const auto&, auto) {};
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

#pragma GCC visibility pop
