// What BPF_PROG_ATTACH did lasts until BPF_PROG_DETACH: no descriptor stands for it, so an object of ours does.
#include <libminibpf/attach/prog_attachment.hpp>

#include <fmt/format.h>

#include <libminibpf/kernel/kernel_error.hpp>

namespace minibpf {

namespace {

/// There before the call is made, so that nothing can come between the two.
class ProgAttachment final : public Attachment {
public:
    ProgAttachment(KernelGate& gate, Fd target, const ProgAttach& call)
        : gate_(gate), target_(std::move(target)), call_(call) {
        if (target_.is_open()) call_.target_fd = target_.get();
    }
    ~ProgAttachment() override {
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
    Fd target_;
    ProgAttach call_;
    bool is_attached_ = false;
};

}  // namespace

Link prog_attach(KernelGate& gate, const Program& program, const Hook& hook, Fd target, ProgAttach call,
                 const Reason& reason, const std::function<std::string(int)>& hint_for) {
    std::string description = fmt::format("{} at {}", program.name(), hook_text(hook));
    call.attach_bpf_fd = program.fd();
    auto attachment = std::make_unique<ProgAttachment>(gate, std::move(target), call);
    const Answer answer = attachment->attach(reason);
    if (!answer.ok())
        throw kernel_error("attaching " + description, attachment->call(), answer, hint_for(answer.error));
    return Link(std::move(description), std::move(attachment));
}

}  // namespace minibpf
