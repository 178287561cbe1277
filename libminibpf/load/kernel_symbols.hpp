// Why a function of the kernel cannot be attached to, as far as its symbols tell.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <libminibpf/kernel/kernel_gate.hpp>

namespace minibpf {

/// A line of /proc/kallsyms. Borrows from it.
struct KernelSymbol {
    std::string_view address;  ///< 16 hex digits; zeros for who may not know
    char type = 0;             ///< 't', 'T': code; 'w', 'W': weak; 'd', 'D', ...: data (nm(1))
    std::string_view name;
    std::string_view module;  ///< "bridge"; empty for the kernel itself

    bool is_function() const noexcept { return std::string_view("tTwW").find(type) != std::string_view::npos; }
};

/// "ffffffffc0000000 t br_forward\t[bridge]"; nothing for a line of another form.
std::optional<KernelSymbol> parse_kernel_symbol(std::string_view line) noexcept;

/// "bridge" of a line that ends in "[bridge]"; empty for others.
std::string_view module_at_end(std::string_view line) noexcept;

/// What to try where the kernel has no function `name` that can be traced: the name under which the compiler kept it
/// (tcp_v4_rcv.isra.0), the nearest names, or why it is out of reach although it is there.
std::string missing_function_hint(KernelGate& gate, const std::string& name);

/// The same where the kernel's BTF has no function `name`, which is all that fentry, fexit and fmod_ret can be attached
/// to: with a kprobe where that would do. Empty when the symbols tell nothing.
std::string missing_btf_function_hint(KernelGate& gate, std::string_view name);

/// "integrity" of "none [integrity] confidentiality", the text of /sys/kernel/security/lockdown; empty for another
/// text.
std::string_view lockdown_level(std::string_view text) noexcept;

/// What to do about EPERM: "" unless the kernel is locked down.
std::string lockdown_hint(KernelGate& gate);

}  // namespace minibpf
