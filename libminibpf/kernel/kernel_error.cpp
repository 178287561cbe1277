// What an errno means when it comes from one of our calls, and whose turn it is.
#include <libminibpf/kernel/kernel_error.hpp>

#include <cerrno>

namespace minibpf {

namespace {

const char* usual_hint(int code) {
    switch (code) {
        case EPERM:
        case EACCES: return usual_privilege_hint;
        case ENOMEM:
            return "the kernel has no memory for it: make the maps smaller, or raise `ulimit -l` (before Linux 5.11)";
        case E2BIG: return "more than the kernel accepts: fewer instructions or bytes, or a newer kernel";
        case ENOSYS: return "this kernel was built without it (CONFIG_BPF_SYSCALL, CONFIG_PERF_EVENTS)";
        case EMFILE: return "too many open files: raise `ulimit -n`";
        default: return "";
    }
}

Blame blame_for(int code, bool has_log) {
    if (has_log) return Blame::kernel;  // the verifier says EACCES and EPERM too, of the program and not of the caller
    switch (code) {
        case EPERM:
        case EACCES:
        case ENOSYS:
        case EOPNOTSUPP: return Blame::facility;
        default: return Blame::kernel;
    }
}

}  // namespace

Error kernel_error(std::string doing, const Syscall& call, const Answer& answer, std::string hint, std::string log) {
    const Blame blame = blame_for(answer.error, !log.empty());
    if (hint.empty() && log.empty()) hint = usual_hint(answer.error);
    return Error({.doing = std::move(doing),
                  .call = std::string(call_name(call)),
                  .code = answer.error,
                  .kernel_log = std::move(log),
                  .hint = std::move(hint),
                  .blame = blame});
}

}  // namespace minibpf
