// Cgroups: programs that a group of processes, and those in the groups below it, run into: at each packet, each socket
// that is made, bound or connected, each device that is opened, each sysctl that is written.
//
// A group is a directory in the cgroup v2 file system, and its descriptor is what a program is attached to: by a link
// (BPF_LINK_CREATE, Linux 5.7), which always lets others be attached beside it, or by BPF_PROG_ATTACH (4.10), which
// lasts as long as the group unless somebody detaches it, and which says by flags whether groups below may have
// programs in the place of this one (BPF_F_ALLOW_OVERRIDE) or in addition to it (BPF_F_ALLOW_MULTI).
//
// Several programs of one group run in the order in which they were attached, or (6.17) where BPF_F_BEFORE and
// BPF_F_AFTER put them; those of the groups above run after them, but for those of BPF_F_PREORDER (6.15).
#include <libminibpf/attach/attach.hpp>

#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>

#include <libminibpf/attach/lsm.hpp>
#include <libminibpf/attach/order.hpp>
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

/// The group, and how the program is to be attached to it.
struct CgroupTarget {
    std::string path;
    AttachOrder order;
    std::uint32_t flags = 0;  ///< of BPF_PROG_ATTACH
    bool by_prog_attach = false;
};

CgroupTarget parse_cgroup_target(const Hook& hook, const AttachOptions& options) {
    InterfaceTarget parsed = parse_interface_target(hook.target);
    CgroupTarget target{.path = parsed.name, .flags = options.cgroup_flags};
    target.order = take_order(hook, parsed, options.order);
    target.by_prog_attach = options.by == AttachBy::older;
    for (const auto& [name, value] : parsed.settings) {
        if (name == "preorder") {
            target.order.flags |= uapi::BPF_F_PREORDER;
            continue;
        }
        if (name != "override" && name != "exclusive") {
            throw_usage(fmt::format("hook '{}': '{}' says nothing about a cgroup", hook_text(hook), name),
                        "after the directory may come ,first ,last ,before=ID ,after=ID ,preorder, and with "
                        "BPF_PROG_ATTACH ,override or ,exclusive");
        }
        if (options.by == AttachBy::link)
            throw_usage(fmt::format("hook '{}': a link always lets others be attached", hook_text(hook)),
                        "leave out --link, and BPF_PROG_ATTACH will do it");
        target.by_prog_attach = true;
        target.flags = name == "override" ? BPF_F_ALLOW_OVERRIDE : 0;
    }
    return target;
}

std::string cgroup_hint(const std::string& path, int error) {
    switch (error) {
        case EBADF: return fmt::format("{} is no directory of a cgroup v2 file system", path);
        case EPERM: return "a program is attached here, or in a group above, which does not allow others";
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
    const CgroupTarget target = parse_cgroup_target(hook, options);
    if (hook.kind == HookKind::lsm_cgroup) check_lsm_is_running(gate, "attaching " + description);
    Fd cgroup = open_cgroup(gate, description, target.path);
    const std::uint32_t attach_type =
        hook.kind == HookKind::lsm_cgroup ? std::uint32_t{BPF_LSM_CGROUP} : std::uint32_t(hook.attach_type);
    const auto why = [&] { return fmt::format("{} runs for the processes in {}", program.name(), target.path); };
    const auto hint = [&](int error) { return cgroup_hint(target.path, error); };
    const AttachOrder& order = target.order;
    if (!target.by_prog_attach) {
        LinkCreate call{.target_fd = cgroup.get(), .attach_type = attach_type, .flags = order.flags};
        if (order.relative_fd != 0 || order.expected_revision != 0) call.details = ordered_link(order);
        return create_link(gate, program, hook, std::move(call), why, hint);
    }
    return prog_attach(
        gate, program, hook, std::move(cgroup),
        {.attach_type = attach_type, .attach_flags = target.flags | order.flags, .order = ordered_link(order)}, why,
        hint);
}

}  // namespace minibpf
