// Raw tracepoints: the same places as tracepoints, before the kernel has copied the arguments into fields.
//
// One call does it all, and the fd that it answers is a BPF link: closing it detaches. Since Linux 6.10 it takes a
// cookie. Programs get the tracepoint's
// raw arguments (struct bpf_raw_tracepoint_args); for sys_enter these are the registers and the system call's number.
// The single system calls' tracepoints (sys_enter_execve) are no raw ones: they are made from sys_enter.
#include <libminibpf/attach/attach.hpp>

#include <cerrno>

#include <fmt/format.h>

#include <libminibpf/attach/tracefs.hpp>
#include <libminibpf/kernel/kernel_error.hpp>

namespace minibpf {

namespace {

std::string nearest_raw_tracepoint(KernelGate& gate, const std::string& target) {
    std::vector<std::string> names;
    for (const std::string& event : available_events(gate)) {
        if (event.starts_with("syscalls:")) continue;
        names.push_back(event.substr(event.find(':') + 1));
    }
    if (target.starts_with("sys_enter_"))
        return "a single system call is no raw tracepoint: use raw_tp/sys_enter and look at the number";
    if (target.starts_with("sys_exit_"))
        return "a single system call is no raw tracepoint: use raw_tp/sys_exit and look at the number";
    return did_you_mean(target, names);
}

// A kernel that knows the cookie gets as far as to look for the program, and finds none.
bool takes_cookies(KernelGate& gate, RawTracepointOpen call) {
    call.prog_fd = -1;
    return gate.enter(call, "is it the cookie? a kernel that knows it says EBADF").error != EINVAL;
}

}  // namespace

Link attach_raw_tracepoint(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options) {
    std::string description = fmt::format("{} at {}", program.name(), hook_text(hook));
    const RawTracepointOpen call{.name = hook.target, .prog_fd = program.fd(), .cookie = options.cookie};
    const Answer answer = gate.enter(call, [&] {
        return fmt::format("{} runs at each hit of {}, until this fd is closed", program.name(), hook.target);
    });
    if (answer.error == ENOENT) {
        throw_malformed(fmt::format("attaching {}: this kernel has no raw tracepoint '{}'", description, hook.target),
                        nearest_raw_tracepoint(gate, hook.target));
    }
    if (answer.error == EINVAL && options.cookie != 0 && !takes_cookies(gate, call)) {
        throw kernel_error("attaching " + description, call, answer,
                           "cookies of raw tracepoints need Linux 6.10: leave out the cookie")
            .with_blame(Blame::facility);
    }
    if (!answer.ok()) {
        throw kernel_error("attaching " + description, call, answer,
                           answer.error == EINVAL ? "the program reads more arguments than this tracepoint has" : "");
    }
    return Link(std::move(description), Fd(gate, answer.fd()));
}

}  // namespace minibpf
