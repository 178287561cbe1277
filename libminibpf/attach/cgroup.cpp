// Cgroups: programs that a group of processes, and those in the groups below it, run into: at each packet, each socket
// that is made, bound or connected, each device that is opened, each sysctl that is written.
//
// A group is a directory in the cgroup v2 file system, and its descriptor is what a program is attached to: by a link
// (BPF_LINK_CREATE, Linux 5.7), which always lets others be attached beside it, or by BPF_PROG_ATTACH (4.10), which
// lasts as long as the group unless somebody detaches it, and which says by flags whether groups below may have
// programs in the place of this one (BPF_F_ALLOW_OVERRIDE) or in addition to it (BPF_F_ALLOW_MULTI).
#include <libminibpf/attach/attach.hpp>

#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>

#include <libminibpf/kernel/kernel_error.hpp>
#include <libminibpf/object/uapi.hpp>

namespace minibpf {

namespace {

constexpr const char* usual_mount = "/sys/fs/cgroup";

/// What BPF_PROG_ATTACH did. There before the call is made, so that nothing can come between the two.
class CgroupAttachment final : public Attachment {
public:
    CgroupAttachment(KernelGate& gate, Fd cgroup, const ProgAttach& call)
        : gate_(gate), cgroup_(std::move(cgroup)), call_(call) {
        call_.target_fd = cgroup_.get();
    }
    ~CgroupAttachment() override {
        if (!is_attached_) return;
        gate_.enter(
            ProgDetach{
                .target_fd = call_.target_fd, .attach_bpf_fd = call_.attach_bpf_fd, .attach_type = call_.attach_type},
            "BPF_PROG_ATTACH left no descriptor whose end would do this");
    }

    const ProgAttach& call() const noexcept { return call_; }
    Answer attach(const Reason& reason) noexcept {
        const Answer answer = gate_.enter(call_, reason);
        is_attached_ = answer.ok();
        return answer;
    }

private:
    KernelGate& gate_;
    Fd cgroup_;
    ProgAttach call_;
    bool is_attached_ = false;
};

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
    Fd cgroup = open_cgroup(gate, description, hook.target);
    const std::uint32_t attach_type =
        hook.kind == HookKind::lsm_cgroup ? std::uint32_t{BPF_LSM_CGROUP} : std::uint32_t(hook.attach_type);
    const auto why = [&] { return fmt::format("{} runs for the processes in {}", program.name(), hook.target); };
    if (options.by != AttachBy::older) {
        return create_link(gate, program, hook, {.target_fd = cgroup.get(), .attach_type = attach_type}, why,
                           [&](int error) { return cgroup_hint(hook, error); });
    }
    auto attachment = std::make_unique<CgroupAttachment>(
        gate, std::move(cgroup),
        ProgAttach{.attach_bpf_fd = program.fd(), .attach_type = attach_type, .attach_flags = BPF_F_ALLOW_MULTI});
    const Answer answer = attachment->attach(why);
    if (!answer.ok())
        throw kernel_error("attaching " + description, attachment->call(), answer, cgroup_hint(hook, answer.error));
    return Link(std::move(description), std::move(attachment));
}

}  // namespace minibpf
