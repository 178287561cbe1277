// uprobe.multi, uretprobe.multi and uprobe.session: one program at many places of a file, by one call.
//
// A perf event for each of a thousand functions is a thousand descriptors. Since Linux 6.6 a link takes a list of file
// offsets, with a cookie and a reference counter for each (kernel/trace/bpf_trace.c, bpf_uprobe_multi_link_attach()). A
// session (6.13) is entered at the function's beginning and return, and keeps a word in between.
#include <libminibpf/attach/attach.hpp>

#include <cerrno>

#include <fmt/format.h>

#include <libminibpf/attach/uprobe_file.hpp>
#include <libminibpf/kernel/kernel_error.hpp>
#include <libminibpf/object/uapi.hpp>

namespace minibpf {

namespace {

constexpr std::uint32_t uprobe_multi_at_return = 1;  // BPF_F_UPROBE_MULTI_RETURN

std::vector<std::uint64_t> uprobe_multi_offsets(UprobeFile& file, std::string_view wanted, const std::string& doing) {
    if (const auto number = parse_offset(wanted)) return {*number};
    if (wanted.find_first_of("*?[") == std::string_view::npos) {
        return {require_function(file.executable(), wanted, file.path(), doing)};
    }
    std::vector<std::uint64_t> offsets = matching_functions(file.executable(), std::string(wanted));
    if (!offsets.empty()) return offsets;
    const bool is_stripped = file.executable().functions.empty();
    throw_malformed(fmt::format("{}: no function in {} matches '{}'", doing, file.path(), wanted),
                    is_stripped ? "the file has no symbols, it is stripped"
                                : fmt::format("`nm {0}` and `nm -D {0}` list them", file.path()));
}

std::string uprobe_multi_hint(int error, bool is_session) {
    if (error == EINVAL || error == EOPNOTSUPP) {
        return is_session ? "this kernel has no uprobe.session (Linux 6.13), or an offset lies outside the file"
                          : "this kernel has no uprobe.multi (Linux 6.6: use uprobe, one function at a time), or an "
                            "offset lies outside the file";
    }
    if (error == EBADF) return "the file cannot be probed: it has to be a regular file";
    return uprobe_refusal_hint(error);
}

}  // namespace

Link attach_uprobe_multi(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options) {
    check_loaded_for(program, hook);
    const std::string doing = fmt::format("attaching {} at {}", program.name(), hook_text(hook));
    const bool is_session = hook.kind == HookKind::uprobe_session;
    UprobeMultiLink details{.flags = hook.kind == HookKind::uretprobe_multi ? uprobe_multi_at_return : 0u,
                            .pid = options.pid < 0 ? 0u : static_cast<std::uint32_t>(options.pid)};
    {
        const UprobeTarget target = split_uprobe_target(hook.target, doing);
        UprobeFile file = UprobeFile::open(gate, target.file, doing);
        details.offsets = uprobe_multi_offsets(file, target.function, doing);
        details.path = file.path();
    }
    const std::size_t places = details.offsets.size();
    if (options.cookie != 0) details.cookies.assign(places, options.cookie);
    const LinkCreate call{.target_fd = 0,
                          .attach_type = static_cast<std::uint32_t>(is_session ? uapi::BPF_TRACE_UPROBE_SESSION
                                                                               : uapi::BPF_TRACE_UPROBE_MULTI),
                          .details = std::move(details)};
    try {
        return create_link(
            gate, program, hook, call,
            [&] {
                return fmt::format("{} runs at {} place{} in the file", program.name(), places, places == 1 ? "" : "s");
            },
            [&](int error) { return uprobe_multi_hint(error, is_session); });
    } catch (const Error& error) {
        const int code = error.detail().code;
        throw code == EINVAL || code == EOPNOTSUPP ? error.with_blame(Blame::facility) : error;
    }
}

}  // namespace minibpf
