// The file that a uprobe goes into: found by its name as a shell or the dynamic linker would, and its symbols.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <libminibpf/elf/executable.hpp>
#include <libminibpf/kernel/fd.hpp>

namespace minibpf {

/// An executable or shared library while its symbols are being looked at. Move-only.
class UprobeFile {
public:
    /// `name` with a slash is a path; "libc" and "libc.so.6" are looked up in /etc/ld.so.cache, "bash" in $PATH.
    /// Throws Error within `doing`: there is no such file (Blame::object), or it may not be read.
    static UprobeFile open(KernelGate& gate, std::string_view name, const std::string& doing);

    const std::string& path() const noexcept { return path_; }
    /// Reads the file's symbols and USDT notes; borrowed from this. Throws Error when it is no executable.
    const elf::Executable& executable();

private:
    UprobeFile(KernelGate& gate, std::string path, Fd file, std::string doing)
        : gate_(&gate), path_(std::move(path)), file_(std::move(file)), doing_(std::move(doing)) {}

    KernelGate* gate_;
    std::string path_;
    Fd file_;
    std::string doing_;
    Mapping mapping_;
    Bytes copy_;  ///< of a file that cannot be mapped
    std::optional<elf::Executable> executable_;
};

/// "/bin/bash:readline" in its two parts. Throws Error (Blame::usage) when there are none.
struct UprobeTarget {
    std::string_view file;
    std::string_view function;  ///< or a pattern, or an offset in the file
};
UprobeTarget split_uprobe_target(std::string_view target, const std::string& doing);

/// Where `function` begins in the file. Throws Error (Blame::object), with the nearest names when there is none.
std::uint64_t require_function(const elf::Executable& executable, std::string_view function, const std::string& path,
                               const std::string& doing);

/// The offsets of all functions that match a shell pattern, each once, in ascending order.
std::vector<std::uint64_t> matching_functions(const elf::Executable& executable, const std::string& pattern);

/// What a refusal to make a uprobe means; empty when nothing is known.
std::string uprobe_refusal_hint(int error);

}  // namespace minibpf
