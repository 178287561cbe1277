// Attaching: a Program and a Hook become a Link. One file per hook; this is the door to all of them.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <libminibpf/attach/link.hpp>
#include <libminibpf/load/object.hpp>

#pragma GCC visibility push(default)

namespace minibpf {

class UsdtSpecs;

/// How a kprobe or a uprobe comes into being.
enum class KprobeBy {
    whichever,  ///< the kprobe or uprobe PMU (Linux 4.17), and tracefs where the kernel has none
    pmu,
    tracefs,  ///< a line in /sys/kernel/tracing/kprobe_events or uprobe_events
};

/// Most hooks have two ways: a BPF link, and what there was before links.
enum class AttachBy {
    usual,  ///< the hook's own choice: the older way for perf events and tracing programs, which fewer kernels lack
    link,   ///< BPF_LINK_CREATE: can be pinned, updated, and seen in lists
    older,  ///< ioctl(PERF_EVENT_IOC_SET_BPF), BPF_RAW_TRACEPOINT_OPEN, BPF_PROG_ATTACH, netlink
};

/// Where among the programs that are attached to one place already: tcx, netkit (Linux 6.6) and cgroups (6.17). By
/// itself a program comes last.
struct AttachOrder {
    std::uint32_t flags = 0;  ///< BPF_F_BEFORE or BPF_F_AFTER: the first or the last; of relative_fd, if that is there
    int relative_fd = 0;      ///< a program's; with BPF_F_LINK in `flags` a link's; 0: none
    std::uint64_t expected_revision = 0;  ///< ESTALE if others came or went since; 0: does not matter
};

/// What an attachment needs beyond program and hook. The defaults do for nearly all.
struct AttachOptions {
    AttachBy by = AttachBy::usual;
    std::uint64_t cookie = 0;  ///< for bpf_get_attach_cookie(); needs AttachBy::link
    KprobeBy kprobe_by = KprobeBy::whichever;
    int pid = -1;                     ///< uprobes and USDT: in this process only; -1: in every one
    UsdtSpecs* usdt_specs = nullptr;  ///< where USDT programs find their arguments (usdt.hpp); null: they read none
    std::uint32_t maxactive =
        0;                     ///< kretprobes: how many calls may be under way at once; 0: as many as the kernel likes
    int target_prog_fd = 0;    ///< freplace: another program than at the load, whose function the hook names
    Object* object = nullptr;  ///< whose maps the hook may name (iter:bpf_map_elem,map=NAME)
    AttachOrder order = {};
    std::uint32_t cgroup_flags = BPF_F_ALLOW_MULTI;  ///< of BPF_PROG_ATTACH: what groups below may have as well
    int map_fd = -1;  ///< the sockmap or sockhash that sk_skb and sk_msg programs are attached to
};

/// Attaches to where the program's section name says. Throws Error when it says nothing.
Link attach(KernelGate& gate, const Program& program, const AttachOptions& options = {});

/// Attaches to `hook`. One program may be attached to several hooks, several programs to one.
/// Throws Error: the hook does not exist (Blame::object, with the nearest names), or a privilege or kernel facility is
/// missing (Blame::facility).
Link attach(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options = {});

/// The hooks, each in its own file. attach() chooses among them by the hook's kind.
///@{
Link attach_tracepoint(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options);
Link attach_kprobe(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options);
Link attach_raw_tracepoint(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options);
Link attach_kprobe_multi(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options);
Link attach_cgroup(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options);
Link attach_netns(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options);
Link attach_uprobe(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options);
Link attach_uprobe_multi(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options);
Link attach_usdt(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options);
Link attach_xdp(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options);
Link attach_tcx(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options);
Link attach_tc(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options);
Link attach_netfilter(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options);
Link attach_socket_filter(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options);
Link attach_reuseport(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options);
Link attach_sockmap(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options);
Link attach_tracing(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options);
Link attach_iterator(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options);
Link attach_perf_event(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options);
///@}

/// Registers a table of functions of a loaded object with the kernel, until the link's end. Throws Error: the kernel
/// refuses the table, or has one of that name.
Link attach_struct_ops(KernelGate& gate, Map& map, const AttachOptions& options = {});

/// Runs an iterator once: `take` gets what its program wrote, piece by piece. Throws Error naming the link.
void run_iterator(KernelGate& gate, const Link& link, const std::function<void(std::string_view)>& take);

/// BPF_LINK_CREATE, with the error explained: `call.prog_fd` is filled in. `hint_for(errno)` knows what the hook's
/// refusals mean.
Link create_link(KernelGate& gate, const Program& program, const Hook& hook, LinkCreate call, const Reason& reason,
                 const std::function<std::string(int)>& hint_for);

/// Throws Error (Blame::usage) if the program was loaded for another kind of probe than the hook: the kernel's EINVAL
/// would not tell this from a kernel that lacks the hook.
void check_loaded_for(const Program& program, const Hook& hook);

/// Has a socket filter or an sk_reuseport program run for an open socket of the caller's: SO_ATTACH_BPF,
/// SO_ATTACH_REUSEPORT_EBPF. It is detached when the Link dies; until then the socket must stay open.
Link attach_to_socket(KernelGate& gate, const Program& program, int socket_fd);

/// Puts a program on an open perf event: SET_BPF or LINK_CREATE, then ENABLE.
Link attach_to_event(KernelGate& gate, const Program& program, std::string description, TracefsProbe probe, Fd event,
                     const AttachOptions& options);

/// The kernel function behind a system call: "__x64_sys_execve" for "execve". Since 4.17 each architecture's entry code
/// calls a wrapper of that name, whose only argument is the caller's registers
/// (arch/x86/include/asm/syscall_wrapper.h).
std::string get_syscall_fnname(std::string_view syscall);

/// The names that the function may have, newest first: kernels without the wrapper have "sys_execve".
std::vector<std::string> syscall_fnnames(std::string_view syscall);

}  // namespace minibpf

#pragma GCC visibility pop
