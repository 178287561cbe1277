// kprobe.multi, kretprobe.multi and kprobe.session: one program on many functions, by one call.
//
// A kprobe for each of a thousand functions takes seconds and a breakpoint each. Since Linux 5.18 a link can be made on
// all of them at once: it goes by fprobe, and so by the call to ftrace at each function's beginning, which is why there
// is no offset. Names are those of available_filter_functions in tracefs, and a pattern (`tcp_*`) stands for those that
// match. A session (6.10) is entered at the function's beginning and return, and keeps a word in between.
#include <libminibpf/attach/attach.hpp>

#include <algorithm>
#include <cerrno>
#include <set>

#include <fcntl.h>
#include <fmt/format.h>
#include <fnmatch.h>

#include <libminibpf/attach/tracefs.hpp>
#include <libminibpf/kernel/files.hpp>
#include <libminibpf/kernel/kernel_error.hpp>
#include <libminibpf/load/kernel_symbols.hpp>
#include <libminibpf/object/uapi.hpp>

namespace minibpf {

namespace {

constexpr std::uint32_t at_return = 1;  // BPF_F_KPROBE_MULTI_RETURN

bool is_pattern(const std::string& name) {
    return name.find_first_of("*?[") != std::string::npos;
}

// "tcp_v4_connect", or "br_forward [bridge]" for a module's.
std::set<std::string> matching_functions(KernelGate& gate, const std::string& pattern) {
    const TracefsFile file =
        open_tracefs(gate, "available_filter_functions", O_RDONLY, "the functions that can be traced");
    if (!file.fd.is_open()) {
        throw Error(
            {.doing = fmt::format("looking for functions that match '{}': {} does not exist", pattern, file.path),
             .hint = "this kernel was built without CONFIG_FUNCTION_TRACER, which kprobe.multi needs",
             .blame = Blame::facility});
    }
    std::set<std::string> functions;  // the kernel takes no name twice
    std::string rest;
    for_each_piece(gate, file.fd.get(), file.path, [&](std::string_view piece) {
        rest += piece;
        std::size_t begin = 0;
        for (std::size_t end; (end = rest.find('\n', begin)) != std::string::npos; begin = end + 1) {
            const std::string line = rest.substr(begin, end - begin);
            std::string name = line.substr(0, line.find_first_of(" \t"));
            if (fnmatch(pattern.c_str(), name.c_str(), 0) == 0) functions.insert(std::move(name));
        }
        rest.erase(0, begin);
    });
    return functions;
}

std::string multi_hint(int error) {
    switch (error) {
        case EINVAL:
        case EOPNOTSUPP:
            return "this kernel has no kprobe.multi (Linux 5.18, with CONFIG_FPROBE): use kprobe, one function at a "
                   "time";
        default: return {};
    }
}

}  // namespace

Link attach_kprobe_multi(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options) {
    check_loaded_for(program, hook);
    std::set<std::string> functions = {hook.target};
    if (is_pattern(hook.target)) functions = matching_functions(gate, hook.target);
    if (functions.empty()) {
        throw_malformed(
            fmt::format("attaching {}: no function of this kernel matches '{}'", program.name(), hook.target),
            "/sys/kernel/tracing/available_filter_functions lists those that can be traced");
    }
    KprobeMultiLink details{.flags = hook.kind == HookKind::kretprobe_multi ? at_return : 0u};
    for (const std::string& function : functions) details.syms.push_back(function.c_str());
    if (options.cookie != 0) details.cookies.assign(functions.size(), options.cookie);
    const bool is_session = hook.kind == HookKind::kprobe_session;
    try {
        return create_link(
            gate, program, hook,
            {.target_fd = 0,
             .attach_type = is_session ? uapi::BPF_TRACE_KPROBE_SESSION : std::uint32_t{BPF_TRACE_KPROBE_MULTI},
             .details = std::move(details)},
            [&] { return fmt::format("{} runs in {} functions", program.name(), functions.size()); }, multi_hint);
    } catch (const Error& error) {
        if (error.detail().code == EINVAL || error.detail().code == EOPNOTSUPP) throw error.with_blame(Blame::facility);
        if (error.detail().code != ESRCH && error.detail().code != ENOENT) throw;
        throw_malformed(fmt::format("attaching {} at {}: this kernel has no function {} that can be traced",
                                    program.name(), hook_text(hook), hook.target),
                        missing_function_hint(gate, hook.target));
    }
}

}  // namespace minibpf
