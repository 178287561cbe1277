// Sockmaps: maps whose values are sockets, with programs that run for what these receive and send.
//
//     sk_skb/stream_parser    finds where one message ends in a stream of bytes
//     sk_skb/stream_verdict   says what becomes of a message: up to the socket (SK_PASS), away (SK_DROP), or to another
//     sk_skb/verdict          the same without a parser, for datagrams too (Linux 5.13)
//     sk_msg                  sees what is sent
//
// The program belongs to the map (BPF_MAP_TYPE_SOCKMAP, SOCKHASH): BPF_PROG_ATTACH takes the map's descriptor (4.14), a
// link likewise (6.10). There is one program of each kind; BPF_PROG_ATTACH silently puts the new one in the place of
// the one before (docs/decisions/0014). It minds the sockets that come into the map afterwards, so programs are
// attached first.
#include <libminibpf/attach/attach.hpp>

#include <cerrno>

#include <fmt/format.h>

#include <libminibpf/attach/prog_attachment.hpp>

namespace minibpf {

namespace {

std::string sockmap_hint(int error) {
    switch (error) {
        case EOPNOTSUPP:
        case EINVAL:
            return "the map has to be a sockmap or a sockhash, and stream parsers need CONFIG_BPF_STREAM_PARSER; links "
                   "to sockmaps need Linux 6.10";
        case EBUSY:
        case EEXIST: return "a program of this kind is attached to the map already";
        default: return {};
    }
}

}  // namespace

Link attach_sockmap(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options) {
    if (options.map_fd < 0) {
        throw_usage(fmt::format("program '{}': attaching it needs a map of sockets", program.name()),
                    fmt::format("name one of the object's: --attach '{}={}:MAP'", program.name(), hook_text(hook)));
    }
    const auto attach_type = static_cast<std::uint32_t>(hook.attach_type);
    if (attach_type == 0) {
        throw_usage(fmt::format("program '{}': {} does not say what it does", program.name(), hook_text(hook)),
                    "write sk_skb/stream_parser, sk_skb/stream_verdict or sk_skb/verdict");
    }
    const auto why = [&] { return fmt::format("{} runs for the sockets in the map", program.name()); };
    if (options.by == AttachBy::link)
        return create_link(gate, program, hook, {.target_fd = options.map_fd, .attach_type = attach_type}, why,
                           sockmap_hint);
    return prog_attach(gate, program, hook, {}, {.target_fd = options.map_fd, .attach_type = attach_type}, why,
                       sockmap_hint);
}

}  // namespace minibpf
