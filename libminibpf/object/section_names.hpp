// The one SEC() table: every section name of a program that libbpf up to 1.8 knows, and what it stands for.
// Internal to object/: hook.hpp is the interface.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <libminibpf/object/hook.hpp>

namespace minibpf {

/// What may follow the name, after a '/' in a section name and after a ':' on the command line.
enum class TargetSyntax {
    none,        ///< SEC("xdp"); only the command line gives a target, such as a network interface
    name,        ///< SEC("raw_tp/sys_enter"), SEC("fentry/vfs_read"), SEC("uprobe.multi//bin/bash:read*")
    function,    ///< SEC("kprobe/do_unlinkat+0x10"): a name, perhaps with an offset in bytes
    tracepoint,  ///< SEC("tracepoint/syscalls/sys_enter_execve"): category and name
};

struct SectionName {
    std::string_view spelling;  ///< without target
    HookKind hook = HookKind::none;
    std::uint32_t program_type = 0;  ///< bpf_prog_type; a number, because an old header's enum ends too early
    std::uint32_t attach_type = 0;   ///< bpf_attach_type, likewise
    TargetSyntax target = TargetSyntax::none;
    bool sleepable = false;
    bool xdp_frags = false;
    std::string_view replacement = {};  ///< an old spelling: the one to write instead
};

std::span<const SectionName> section_names() noexcept;

/// The row with exactly that spelling, or nullptr.
const SectionName* find_spelling(std::string_view spelling) noexcept;

}  // namespace minibpf
