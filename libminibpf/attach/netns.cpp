// Network namespaces: sk_lookup programs, which choose the socket that a packet or a connection is for, and flow
// dissectors, which tell the kernel what kind of packet it has before it.
//
// The namespace's file in /proc is what they are attached to. sk_lookup takes links only (Linux 5.9); there may be
// several. A flow dissector can also be put there by BPF_PROG_ATTACH (4.20), without a descriptor of the namespace: it
// is the caller's own. There is one for each namespace, and the initial one's is for all.
#include <libminibpf/attach/attach.hpp>

#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>

#include <libminibpf/attach/prog_attachment.hpp>
#include <libminibpf/kernel/kernel_error.hpp>

namespace minibpf {

namespace {

constexpr const char* no_namespace =
    "this is no network namespace's file; they are /proc/PID/ns/net and /run/netns/NAME";

std::string lookup_hint(int error) {
    switch (error) {
        case E2BIG: return "64 programs are attached to this namespace, and that is as many as there can be";
        case EINVAL: return no_namespace;
        default: return {};
    }
}

// A link says E2BIG where a link is there, and either way says EEXIST where the other is.
std::string dissector_hint(bool by_link, int error) {
    switch (error) {
        case E2BIG:
            return "a link holds this namespace's flow dissector, and there is one only: `loader list links` shows it, "
                   "`loader link update` puts another program into it";
        case EEXIST:
            return by_link ? "there is a flow dissector, put there by BPF_PROG_ATTACH: --older takes its place; or the "
                             "initial network namespace has one, which then is the one for all"
                           : "a link holds this namespace's flow dissector: `loader link update` puts another program "
                             "into it; or the initial network namespace has one, which then is the one for all";
        case EINVAL: return by_link ? no_namespace : "this program is the namespace's flow dissector already";
        default: return {};
    }
}

}  // namespace

Link attach_netns(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options) {
    const auto attach_type = static_cast<std::uint32_t>(hook.attach_type);
    const bool by_link = options.by != AttachBy::older;
    const auto hint = [&](int error) {
        return hook.kind == HookKind::flow_dissector ? dissector_hint(by_link, error) : lookup_hint(error);
    };
    if (!by_link) {
        if (hook.kind != HookKind::flow_dissector || !hook.target.empty()) {
            throw_usage(fmt::format("hook '{}': BPF_PROG_ATTACH does not take it", hook_text(hook)),
                        "only flow dissectors can be attached by it, and to the caller's own network namespace");
        }
        return prog_attach(
            gate, program, hook, {}, {.target_fd = 0, .attach_type = attach_type},
            [&] { return fmt::format("{} runs in this network namespace", program.name()); }, hint);
    }
    const std::string path = hook.target.empty() ? "/proc/self/ns/net" : hook.target;
    const OpenAt open{.path = path, .flags = O_RDONLY};
    const Answer opened = gate.enter(open, "this file stands for the network namespace");
    if (!opened.ok()) {
        throw kernel_error(fmt::format("attaching {}: opening the network namespace {}", program.name(), path), open,
                           opened, "they are /proc/PID/ns/net and /run/netns/NAME")
            .with_blame(Blame::usage);
    }
    const Fd netns(gate, opened.fd());
    return create_link(
        gate, program, hook, {.target_fd = netns.get(), .attach_type = attach_type},
        [&] { return fmt::format("{} runs in the network namespace {}", program.name(), path); }, hint);
}

}  // namespace minibpf
