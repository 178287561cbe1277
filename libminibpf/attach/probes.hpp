// What programs can be attached to: as tracefs, the kernel's symbols, its BTF and executables list it.
//
// Each list is sorted by name, each name once. The functions that take text or BTF are pure: the lists of a machine can
// be read on another one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <libminibpf/attach/tracepoint_format.hpp>
#include <libminibpf/btf/btf.hpp>
#include <libminibpf/elf/executable.hpp>
#include <libminibpf/kernel/kernel_gate.hpp>

#pragma GCC visibility push(default)

namespace minibpf {

/// "syscalls/sys_enter_execve" of the lines "syscalls:sys_enter_execve" of available_events.
std::vector<std::string> parse_available_events(std::string_view text);

/// The same of the running kernel. Throws Error (Blame::facility) when there is no tracefs, or no permission to look.
std::vector<std::string> list_tracepoints(KernelGate& gate);

/// The fields of "syscalls/sys_enter_execve"; none when its format cannot be read.
std::vector<TracepointField> tracepoint_fields(KernelGate& gate, const std::string& tracepoint);

/// "sched_switch": the raw tracepoints that BTF tells of, by typedefs btf_trace_NAME.
std::vector<std::string> raw_tracepoints(const btf::Btf& kernel);

/// The same for a kernel without BTF, from its tracepoints. Those of single system calls are made from sys_enter and
/// sys_exit, and are no raw ones.
std::vector<std::string> raw_tracepoints(const std::vector<std::string>& tracepoints);

/// "(bool preempt, struct task_struct *prev)": what programs for raw_tp:NAME and tp_btf:NAME get; empty when BTF does
/// not tell.
std::string raw_tracepoint_arguments(const btf::Btf& kernel, std::string_view name);

/// "file_open": the hooks of the kernel's security modules to which programs can be attached (Linux 5.7).
std::vector<std::string> lsm_hooks(const btf::Btf& kernel);

/// "task": what there are iterators of (Linux 5.8).
std::vector<std::string> iterators(const btf::Btf& kernel);

/// A function of the kernel or of a module.
struct KernelFunction {
    std::string name;
    std::string module;       ///< empty: the kernel itself
    std::uint32_t count = 1;  ///< functions of this name: of several, kprobes cannot tell which is meant
};

/// The functions of available_filter_functions, which can all be traced: "name", or "name [module]".
std::vector<KernelFunction> parse_filter_functions(std::string_view text);

/// The functions of /proc/kallsyms, without what is none that one could call: pieces (.cold), padding (__pfx_), BPF
/// programs.
std::vector<KernelFunction> parse_kernel_symbols(std::string_view text);

/// The functions of a kernel, and how far the list is to be trusted.
struct KernelFunctions {
    std::vector<KernelFunction> functions;
    std::string source;     ///< the file that they are from
    bool is_exact = false;  ///< each can be traced; otherwise some of them are kept from it (notrace, __kprobes)
};

/// The functions of the running kernel, from available_filter_functions, or else from /proc/kallsyms. Throws Error when
/// neither can be read.
KernelFunctions list_kernel_functions(KernelGate& gate);

/// Whether the running kernel makes kprobes, by their PMU or in tracefs.
bool has_kprobes(KernelGate& gate);

/// "isra" of "do_step.isra.0": what the compiler did to the function; empty when its name is as in the source.
std::string_view compiler_suffix(std::string_view function) noexcept;

/// The places of a function's name in an executable, which `name` borrows from.
struct FileFunction {
    std::string_view name;
    std::vector<std::uint64_t> offsets;  ///< in the file, ascending; of several, the name does not tell which is meant
    std::uint64_t size = 0;              ///< bytes, of the first; 0: not known
};

/// Functions that can be probed: not indirect ones, nor those whose names are longer than any that a compiler makes.
std::vector<FileFunction> file_functions(const elf::Executable& executable);

/// A USDT probe with all its places, borrowed likewise.
struct UsdtProbe {
    std::string_view provider, name;
    std::vector<elf::UsdtNote> places;
};
/// The USDT probes of an executable, by provider and name.
std::vector<UsdtProbe> usdt_probes(const elf::Executable& executable);

}  // namespace minibpf

#pragma GCC visibility pop
