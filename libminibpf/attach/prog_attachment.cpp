// What BPF_PROG_ATTACH did lasts until BPF_PROG_DETACH: no descriptor stands for it, so an object of ours does.
#include <libminibpf/attach/prog_attachment.hpp>

#include <fmt/format.h>

#include <libminibpf/kernel/kernel_error.hpp>

namespace minibpf {

Link prog_attach(KernelGate& gate, const Program& program, const Hook& hook, Fd target, ProgAttach call,
                 const Reason& reason, const std::function<std::string(int)>& hint_for) {
    std::string description = fmt::format("{} at {}", program.name(), hook_text(hook));
    call.attach_bpf_fd = program.fd();
    if (target.is_open()) call.target_fd = target.get();
    const ProgDetach detach{
        .target_fd = call.target_fd, .attach_bpf_fd = call.attach_bpf_fd, .attach_type = call.attach_type};
    auto attachment = std::make_unique<CallAttachment>(gate, std::move(target), detach,
                                                       "BPF_PROG_ATTACH left no descriptor whose end would do this");
    const Answer answer = attachment->attach(call, reason);
    if (!answer.ok()) throw kernel_error("attaching " + description, call, answer, hint_for(answer.error));
    return Link(std::move(description), std::move(attachment));
}

}  // namespace minibpf
