// Names for the addresses in a stack: what bpf_get_stackid() and bpf_get_stack() collect are numbers.
//
//     ffffffff81a1c0f3   kernel: /proc/kallsyms            vfs_read+0xb3
//     00007f2a1c0fa1d7   process 812: /proc/812/maps       libc.so.6 from its byte 0xfa1d7 on
//                        the file's symbol table (ELF)     read+0x17
//
// A process's addresses mean something only as long as it lives: its maps go with it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <libminibpf/kernel/kernel_gate.hpp>

#pragma GCC visibility push(default)

namespace minibpf {

/// Functions by their addresses or, in a file, by their offsets.
class FunctionTable {
public:
    /// A function: where it is, and its name.
    struct Function {
        std::uint64_t begin = 0;
        std::uint64_t size = 0;  ///< bytes; 0: to the next one
        std::string name;
    };

    explicit FunctionTable(std::vector<Function> functions = {});  ///< in any order

    /// "vfs_read+0xb3", "vfs_read" for its first byte, C++ functions as their source has them; empty when no function
    /// is there.
    std::string name_at(std::uint64_t address) const;

private:
    std::vector<Function> functions_;  ///< sorted by their beginnings
};

/// What /proc/kallsyms says of functions: "ffffffff81a1c040 T vfs_read", "ffffffffc04d1000 t br_forward [bridge]".
/// Addresses are zeros for those who may not know them (kptr_restrict); then the table is empty.
FunctionTable parse_kallsyms(std::string_view text);

/// A part of a file that a process has mapped, as a line of /proc/PID/maps has it:
///
///     7f2a1c000000-7f2a1c1c0000 r-xp 00026000 fe:00 1838                       /usr/lib/x86_64-linux-gnu/libc.so.6
struct MappedFile {
    std::uint64_t begin = 0, end = 0;
    std::uint64_t offset = 0;  ///< in the file, of `begin`
    std::string identity;      ///< device and inode: "fe:00 1838"
    std::string path;          ///< "[vdso]" and the like are no files; empty: memory of no file
};
/// The lines of /proc/PID/maps.
std::vector<MappedFile> parse_maps(std::string_view text);

/// Reads each table when it is first asked for, and keeps it. What cannot be read gives fewer names, and no error.
class StackSymbols {
public:
    /// `gate` outlives this. The kernel's symbols take more than a thousand reads.
    explicit StackSymbols(KernelGate& gate) : gate_(gate) {}

    std::string kernel(std::uint64_t address);         ///< "vfs_read+0xb3"; "0xffffffff81a1c0f3" without a name
    std::string user(int pid, std::uint64_t address);  ///< "read+0x17", "libc.so.6+0xfa1d7", "0x7f2a1c0fa1d7"

private:
    const FunctionTable& functions_of(int pid, const MappedFile& file);

    KernelGate& gate_;
    bool has_kernel_ = false;
    FunctionTable kernel_;
    std::map<int, std::vector<MappedFile>> processes_;
    std::map<std::string, FunctionTable, std::less<>> files_;  ///< by MappedFile::identity
};

}  // namespace minibpf

#pragma GCC visibility pop
