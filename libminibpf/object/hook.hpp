// Where a program can be attached, as section names and the command line write it.
//
//     SEC("kprobe/do_unlinkat")        --attach 'hello=kprobe:do_unlinkat+0x10'
//     SEC("tracepoint/syscalls/sys_enter_execve")
//     SEC("raw_tp/sys_enter")
//
// One table (section_names.cpp) knows every kind: its spellings, the program type, the expected attach type, whether it
// may sleep.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <linux/bpf.h>

#pragma GCC visibility push(default)

namespace minibpf {

/// The ways of attaching, one file in attach/ for each that minibpf attaches by itself.
// clang-format off
enum class HookKind {
    none,  ///< loaded, attached by somebody else: SEC("action"), SEC("lwt_in"), SEC("syscall"), ...
    kprobe, kretprobe, ksyscall, kretsyscall, kprobe_multi, kretprobe_multi, kprobe_session,
    uprobe, uretprobe, uprobe_multi, uretprobe_multi, uprobe_session, usdt,
    tracepoint, raw_tracepoint, raw_tracepoint_writable,
    tp_btf, fentry, fexit, fmod_ret, fsession, fentry_multi, fexit_multi, fsession_multi, lsm, lsm_cgroup, iter, freplace,
    perf_event, xdp, tc, tcx, netkit, socket_filter, sk_reuseport, cgroup, sk_lookup, flow_dissector, sockmap, netfilter,
    struct_ops,
};
// clang-format on

/// A hook: the kind and, when it is known, what it is attached to.
struct Hook {
    HookKind kind = HookKind::none;
    std::string target;        ///< "do_unlinkat", "syscalls/sys_enter_execve"; empty when the section name has none
    std::uint64_t offset = 0;  ///< of a probe in its function, bytes
    /// Tells the variants of a kind apart: BPF_TCX_INGRESS or BPF_TCX_EGRESS, BPF_CGROUP_INET4_BIND, ...
    bpf_attach_type attach_type{};
};

/// What the kernel is told about a program before it is verified.
struct ProgramKind {
    bpf_prog_type type = BPF_PROG_TYPE_UNSPEC;
    bpf_attach_type expected_attach_type{};
    bool sleepable = false;  ///< loaded with BPF_F_SLEEPABLE
    bool optional = false;   ///< SEC("?..."): only loaded when asked for
    Hook hook;
    std::string warning;     ///< an old or loose spelling: what to write instead; else empty
    bool xdp_frags = false;  ///< SEC("xdp.frags"): loaded with BPF_F_XDP_HAS_FRAGS, takes packets of several buffers
};

/// The program kind that a section name stands for. Throws Error (Blame::object) naming the nearest known spelling.
ProgramKind parse_section_name(std::string_view section);

/// The same, and nothing for a name that is no known kind of program.
std::optional<ProgramKind> find_program_kind(std::string_view section);

/// The known spelling that an unknown section name comes nearest to; empty when none is near, or for ".text".
std::string nearest_section_name(std::string_view section);

/// "kprobe:do_sys_openat2+0x10", as --attach takes it. Throws Error (Blame::usage).
Hook parse_hook(std::string_view text);

/// The kind of program that a hook takes: for a program that was written for another hook and does not look at its
/// context, so that it may run at either.
ProgramKind program_kind_at(const Hook& hook);

/// A place in a function or a file: 16 for "16" and "0x10"; nothing when the text is no number to its end.
std::optional<std::uint64_t> parse_offset(std::string_view text) noexcept;

/// "kprobe:do_sys_openat2+0x10".
std::string hook_text(const Hook& hook);

/// "raw_tracepoint": --type's and the kernel's name of a program type, without BPF_PROG_TYPE_ and in small letters.
std::string program_type_name(bpf_prog_type type);
/// The other way round; throws Error (Blame::usage) naming the nearest one.
bpf_prog_type parse_program_type(std::string_view name);

/// "hash" for BPF_MAP_TYPE_HASH.
std::string map_type_name(bpf_map_type type);
/// The other way round; throws Error (Blame::usage) naming the nearest one.
bpf_map_type parse_map_type(std::string_view name);

/// Every spelling of the table, for hints and `--help`.
std::span<const std::string_view> section_name_spellings();

}  // namespace minibpf

#pragma GCC visibility pop
