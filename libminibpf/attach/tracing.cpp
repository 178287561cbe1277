// Programs that were tied to their place when they were loaded: tp_btf, fentry, fexit, fmod_ret, LSM and freplace.
//
// BPF_PROG_LOAD took the function, tracepoint or LSM hook as a type of the kernel's BTF (attach_btf_id), so that the
// verifier knows its arguments. To attach it is then only "now": BPF_RAW_TRACEPOINT_OPEN without a name (Linux 5.5), or
// BPF_LINK_CREATE (5.10 for freplace, 5.19 for the others), which also takes a cookie. Both answer a link's fd.
//
// fentry and its like enter the function through the call to ftrace that the compiler left at its beginning: the kernel
// lets it call a trampoline, made for this function, which calls the programs (arch/x86/net/bpf_jit_comp.c).
#include <libminibpf/attach/attach.hpp>

#include <cerrno>

#include <fmt/format.h>

#include <libminibpf/attach/lsm.hpp>
#include <libminibpf/kernel/kernel_error.hpp>
#include <libminibpf/load/attach_target.hpp>
#include <libminibpf/load/kernel_symbols.hpp>

namespace minibpf {

namespace {

constexpr int not_supported = 524;  // ENOTSUPP, the kernel's own

// Where such a program is attached was settled by its load.
void check_place(const std::string& doing, const Program& program, const Hook& hook) {
    const Hook& loaded_for = program.spec().kind.hook;
    if (loaded_for.kind == hook.kind && (hook.target.empty() || hook.target == loaded_for.target)) return;
    if (loaded_for.target.empty()) return;
    throw_usage(fmt::format("{}: the program was loaded for {}", doing, hook_text(loaded_for)),
                "change its hook before the load: ProgramSpec::kind, or its SEC()");
}

std::string tracing_hint(KernelGate& gate, HookKind kind, int error) {
    switch (error) {
        case EBUSY:
            return kind == HookKind::freplace ? "another program replaces that function already"
                                              : "something else holds the function: live patching, or a trampoline of "
                                                "another kind";
        case E2BIG: return "38 programs are attached to this function, and that is as many as there can be";
        case EINVAL:
        case not_supported:
        case EOPNOTSUPP:
            return "this kernel has no trampolines for BPF (CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS): a kprobe or a "
                   "tp_btf program of the same place may do";
        case EPERM: return lockdown_hint(gate);
        default: return {};
    }
}

// Since 5.10 a freplace program can be put into another program's place than the one it was verified against, if the
// function there takes and returns the same.
LinkCreate retargeted(KernelGate& gate, const Program& program, const Hook& hook, int target_prog_fd) {
    ProgramSpec spec = program.spec();
    spec.kind.hook = hook;
    const AttachTarget target = find_attach_target(gate, target_prog_fd, spec);
    return {.target_fd = target_prog_fd, .details = TracingLink{.target_btf_id = target.btf_id}};
}

bool lacks_trampolines(int error) {
    return error == not_supported || error == EOPNOTSUPP;
}

std::string place(const Hook& hook) {
    return hook.target.empty() ? std::string("the place that it was loaded for") : hook.target;
}

}  // namespace

Link attach_tracing(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options) {
    const auto why = [&] { return fmt::format("{} runs at {} until this fd is closed", program.name(), place(hook)); };
    const auto hint = [&](int error) { return tracing_hint(gate, hook.kind, error); };
    std::string description = fmt::format("{} at {}", program.name(), hook_text(hook));
    if (options.target_prog_fd != 0) {
        return create_link(gate, program, hook, retargeted(gate, program, hook, options.target_prog_fd), why, hint);
    }
    check_place("attaching " + description, program, hook);
    if (hook.kind == HookKind::lsm) check_lsm_is_running(gate, "attaching " + description);
    if (options.by == AttachBy::link) {
        const auto attach_type = static_cast<std::uint32_t>(program.spec().kind.expected_attach_type);
        return create_link(
            gate, program, hook,
            {.target_fd = 0, .attach_type = attach_type, .details = TracingLink{.cookie = options.cookie}}, why, hint);
    }
    const RawTracepointOpen call{.prog_fd = program.fd()};
    const Answer answer = gate.enter(call, why);
    if (!answer.ok()) {
        const Error error = kernel_error("attaching " + description, call, answer, hint(answer.error));
        throw lacks_trampolines(answer.error) ? error.with_blame(Blame::facility) : error;
    }
    return Link(std::move(description), Fd(gate, answer.fd()));
}

}  // namespace minibpf
