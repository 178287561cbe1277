// A kernel may have the functions that LSM programs are attached to (bpf_lsm_file_open, ...), and yet call none of
// them. They are called if bpf is among the modules of the boot option `lsm=`, or of CONFIG_LSM:
// "lockdown,capability,bpf". A cgroup's LSM programs are called from a trampoline of the same functions
// (kernel/bpf/trampoline.c, bpf_trampoline_link_cgroup_shim()), so it is no other with them. What the trampoline calls
// for them, one shim for each function, goes away in a work queue after the last of them: who attaches before that gets
// a second shim, and for a moment the group's programs run twice.
#include <libminibpf/attach/lsm.hpp>

#include <cerrno>

#include <fmt/format.h>

#include <libminibpf/attach/machine.hpp>
#include <libminibpf/base/error.hpp>
#include <libminibpf/kernel/files.hpp>

namespace minibpf {

void check_lsm_is_running(KernelGate& gate, const std::string& doing) {
    std::string running;
    try {
        running = text_of(read_file(gate, "/sys/kernel/security/lsm", "is bpf among the security modules that run?"));
    } catch (const Error& error) {
        if (error.detail().code == ECANCELED) throw;
        return;  // the kernel may run them all the same
    }
    if (!running.empty() && running.back() == '\n') running.pop_back();
    if (names_bpf_lsm(running)) return;
    throw Error({.doing = fmt::format("{}: the kernel does not run BPF's security module", doing),
                 .hint = fmt::format("boot with lsm={},bpf on the kernel's command line", running),
                 .blame = Blame::facility});
}

}  // namespace minibpf
