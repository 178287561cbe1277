// Updating and detaching links.
//
// A link is an object of its own between a hook and a program. Which operations it takes, each kind of hook decides
// (struct bpf_link_ops in include/linux/bpf.h): cgroup, network namespace, XDP, tcx and netkit links take both,
// iterators and netfilter's one of them, and those of tracing none.
#include <libminibpf/attach/link_operations.hpp>

#include <cerrno>

#include <fmt/format.h>

#include <libminibpf/kernel/kernel_error.hpp>

namespace minibpf {

namespace {

constexpr int link_not_supported = 524;  // the kernel's own ENOTSUPP

bool says_unsupported(int error) {
    return error == EOPNOTSUPP || error == link_not_supported;
}

}  // namespace

void update_link(KernelGate& gate, int link_fd, int prog_fd, std::optional<int> old_prog_fd) {
    const LinkUpdate call{.link_fd = link_fd,
                          .new_prog_fd = prog_fd,
                          .flags = old_prog_fd ? BPF_F_REPLACE : 0u,
                          .old_prog_fd = old_prog_fd.value_or(0)};
    const Answer answer = gate.enter(call, "the link runs the other program from here on");
    if (answer.ok()) return;
    std::string hint;
    if (answer.error == EINVAL || says_unsupported(answer.error)) {
        hint =
            "links of cgroups, network namespaces, XDP, tcx and netkit can be updated, to a program of the same type "
            "and attach type; else detach, and attach the other one";
    }
    if (answer.error == EPERM && old_prog_fd) hint = "it runs another program: `loader list links` says which";
    const Error error = kernel_error("updating a link", call, answer, hint);
    throw error.with_blame(hint.empty() ? error.detail().blame : Blame::kernel);
}

void detach_link(KernelGate& gate, int link_fd) {
    const LinkDetach call{.link_fd = link_fd};
    const Answer answer = gate.enter(call, "its program runs no more, whoever holds the link");
    if (answer.ok()) return;
    const bool is_unsupported = says_unsupported(answer.error);
    const Error error = kernel_error("detaching a link", call, answer,
                                     is_unsupported ? "links of this kind end with their last descriptor and pin: "
                                                      "`loader list links` says who holds it"
                                                    : "");
    throw is_unsupported ? error.with_blame(Blame::kernel) : error;
}

}  // namespace minibpf
