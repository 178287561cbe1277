// Cgroups: programs that a group of processes, and those in the groups below it, run into: at each packet, each socket
// that is made, bound or connected, each device that is opened, each sysctl that is written.
//
// A group is a directory in the cgroup v2 file system, and its descriptor is what a program is attached to: by a link
// (BPF_LINK_CREATE, Linux 5.7), which always lets others be attached beside it, or by BPF_PROG_ATTACH (4.10), which
// lasts as long as the group unless somebody detaches it, and which says by flags whether groups below may have
// programs in the place of this one (BPF_F_ALLOW_OVERRIDE) or in addition to it (BPF_F_ALLOW_MULTI).
//
// Several programs of one group run in the order in which they were attached, or (6.17) where BPF_F_BEFORE and
// BPF_F_AFTER put them; those of the groups above run after them.
#include <libminibpf/attach/attach.hpp>

#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>

#include <libminibpf/attach/prog_attachment.hpp>
#include <libminibpf/kernel/kernel_error.hpp>
#include <libminibpf/object/uapi.hpp>

namespace minibpf {

namespace {

constexpr const char* usual_mount = "/sys/fs/cgroup";

Fd open_cgroup(KernelGate& gate, const std::string& description, const std::string& path) {
    const OpenAt call{.path = path, .flags = O_RDONLY | O_DIRECTORY};
    const Answer answer = gate.enter(call, "the cgroup's directory stands for the group");
    if (answer.ok()) return Fd(gate, answer.fd());
    const Error error =
        kernel_error(fmt::format("attaching {}: opening the cgroup {}", description, path), call, answer);
    if (answer.error != ENOENT && answer.error != ENOTDIR) throw error;
    throw error
        .with_hint(fmt::format("make it (mkdir {}), in the cgroup v2 file system that is usually mounted at {}", path,
                               usual_mount))
        .with_blame(Blame::usage);
}

std::string cgroup_hint(const Hook& hook, int error) {
    switch (error) {
        case EBADF: return fmt::format("{} is no directory of a cgroup v2 file system", hook.target);
        case EPERM:
            return "a program is attached here, or in a group above, which does not allow others; or the privilege is "
                   "missing: run as root";
        case EEXIST: return "this program is attached to this group already";
        case E2BIG: return "64 programs are attached here, and that is as many as there can be";
        case EINVAL: return "the kernel has no such hook, or the program was loaded for another one";
        default: return {};
    }
}

}  // namespace

Link attach_cgroup(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options) {
    std::string description = fmt::format("{} at {}", program.name(), hook_text(hook));
    if (hook.kind == HookKind::lsm_cgroup && hook.target.find('/') == std::string::npos) {
        throw_usage(fmt::format("program '{}': the section names an LSM hook, and no cgroup", program.name()),
                    fmt::format("name it: --attach '{}=lsm_cgroup:{}/GROUP'", program.name(), usual_mount));
    }
    Fd cgroup = open_cgroup(gate, description, hook.target);
    const std::uint32_t attach_type =
        hook.kind == HookKind::lsm_cgroup ? std::uint32_t{BPF_LSM_CGROUP} : std::uint32_t(hook.attach_type);
    const auto why = [&] { return fmt::format("{} runs for the processes in {}", program.name(), hook.target); };
    const auto hint = [&](int error) { return cgroup_hint(hook, error); };
    const OrderedLink order{.relative_fd = static_cast<std::uint32_t>(options.order.relative_fd),
                            .expected_revision = options.order.expected_revision};
    if (options.by != AttachBy::older) {
        LinkCreate call{.target_fd = cgroup.get(), .attach_type = attach_type, .flags = options.order.flags};
        if (order.relative_fd != 0 || order.expected_revision != 0) call.details = order;
        return create_link(gate, program, hook, std::move(call), why, hint);
    }
    return prog_attach(
        gate, program, hook, std::move(cgroup),
        {.attach_type = attach_type, .attach_flags = options.cgroup_flags | options.order.flags, .order = order}, why,
        hint);
}

}  // namespace minibpf
