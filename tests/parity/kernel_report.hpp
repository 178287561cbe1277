#pragma once
// What the kernel says about maps and programs that somebody has loaded, as lines that can be compared:
//
//     program xdp_pass: tag = 3b185187f1855c4c
//     map .rodata: bytes 0x0000 = 25640a0000000000…
//
// Everything comes from bpf(2) and /proc/self/fdinfo, nothing from the library that did the loading.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace minibpf::test {

struct LoadedMap {
    std::string name;
    int fd = -1;
    bool is_data = false;             ///< .rodata, .data, .bss, .kconfig and their like: the contents are reported
    std::uint32_t ignored_flags = 0;  ///< BPF_F_* that are not to be compared
    /// Offset in the contents, likewise: the patch level in LINUX_KERNEL_VERSION. libbpf 1.1 takes it from uname's
    /// release, which Debian leaves at 0 ("6.1.0-56" is 6.1.192); newer ones and minibpf from its version.
    std::optional<std::uint32_t> ignored_byte = std::nullopt;
};

struct LoadedProgram {
    std::string name;
    int fd = -1;
    /// The tag tells nothing of a program that refers to a module's variable or function: it covers the descriptor of
    /// the module's BTF. Nor of one that calls what the kernel lacks, in code that cannot be reached, loaded by libbpf
    /// before 1.3, which leaves 0 in such a call, where later ones and minibpf put 2002000000 and more. The verified
    /// instructions are the same.
    bool has_comparable_tag = true;
    /// Which function a helper is, is not to be compared: libbpf 1.3 and newer loads usdt programs for multi-uprobes,
    /// minibpf for single ones, which have another bpf_get_attach_cookie()
    /// (docs/decisions/0007-where-we-differ-from-libbpf.md).
    bool ignores_helpers = false;
};

struct LoadedObject {
    std::vector<LoadedMap> maps;
    std::vector<LoadedProgram> programs;
};

/// Stands for a tag that is not to be compared.
inline const std::string any_tag = "any";

std::string kernel_report(const LoadedObject& object);

}  // namespace minibpf::test
