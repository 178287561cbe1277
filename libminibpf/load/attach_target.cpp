// Which function of the kernel a section name means. The kernel names the functions that are attached to by more than
// their own name, to tell them from others:
//
//     SEC("tp_btf/sched_switch")        TYPEDEF btf_trace_sched_switch    the tracepoint's arguments
//     SEC("lsm/file_open")              FUNC bpf_lsm_file_open            an empty function made for this
//     SEC("iter/task")                  FUNC bpf_iter_task
//     SEC("fentry/vfs_read"), ...       FUNC vfs_read
#include <libminibpf/load/attach_target.hpp>

#include <fmt/format.h>

#include <libminibpf/kernel/kernel_error.hpp>
#include <libminibpf/load/kernel_symbols.hpp>

namespace minibpf {

namespace {

struct Name {
    btf::Kind kind = btf::Kind::func;
    std::string text;
};

Name kernel_name(const ProgramKind& kind, std::string_view function) {
    switch (static_cast<std::uint32_t>(kind.expected_attach_type)) {
        case BPF_TRACE_RAW_TP: return {.kind = btf::Kind::typedef_, .text = fmt::format("btf_trace_{}", function)};
        case BPF_LSM_MAC:
        case BPF_LSM_CGROUP: return {.text = fmt::format("bpf_lsm_{}", function)};
        case BPF_TRACE_ITER: return {.text = fmt::format("bpf_iter_{}", function)};
        default: return {.text = std::string(function)};
    }
}

// "bridge:br_forward" is a function of the module bridge.
std::string_view take_module(std::string_view& function) {
    const std::size_t colon = function.find(':');
    if (colon == std::string_view::npos) return {};
    const std::string_view module = function.substr(0, colon);
    function.remove_prefix(colon + 1);
    return module;
}

std::string_view what_it_is(const ProgramKind& kind) {
    switch (static_cast<std::uint32_t>(kind.expected_attach_type)) {
        case BPF_TRACE_RAW_TP: return "tracepoint";
        case BPF_LSM_MAC:
        case BPF_LSM_CGROUP: return "LSM hook";
        case BPF_TRACE_ITER: return "iterator";
        default: return "function";
    }
}

std::string missing_hint(KernelTypes& types, const Name& wanted, std::string_view function) {
    const bool is_users_name = wanted.text == function;
    const std::string seen = is_users_name ? missing_btf_function_hint(types.gate(), function) : std::string();
    if (!seen.empty()) return seen;
    const std::string near = types.nearest_name(wanted.kind, wanted.text);
    if (near.empty())
        return "a function that the compiler inlined, or split (.isra, .constprop), cannot be attached to";
    // "btf_trace_" and the like are the kernel's, not the user's.
    const std::size_t prefix = wanted.text.size() - function.size();
    return fmt::format("did you mean '{}'?", near.size() > prefix ? near.substr(prefix) : near);
}

}  // namespace

bool has_attach_target(const ProgramKind& kind) noexcept {
    switch (kind.hook.kind) {  // on many functions at once: they are named when it is attached
        case HookKind::fentry_multi:
        case HookKind::fexit_multi:
        case HookKind::fsession_multi: return false;
        default: break;
    }
    switch (kind.type) {
        case BPF_PROG_TYPE_TRACING:
        case BPF_PROG_TYPE_LSM:
        case BPF_PROG_TYPE_EXT: return true;
        default: return false;
    }
}

void expect_attach_target(KernelTypes& types, const ProgramSpec& program) {
    if (!has_attach_target(program.kind)) return;
    std::string_view function = program.kind.hook.target;
    take_module(function);
    const Name wanted = kernel_name(program.kind, function);
    types.expect(wanted.kind, wanted.text);
}

AttachTarget find_attach_target(KernelTypes& types, const ProgramSpec& program) {
    std::string_view function = program.kind.hook.target;
    if (function.empty()) {
        throw_malformed(fmt::format("its section does not say which {} it is for", what_it_is(program.kind)),
                        fmt::format("write SEC(\"{}/NAME\"), or name it with --attach", program.section));
    }
    if (program.kind.type == BPF_PROG_TYPE_EXT) {
        throw Error(
            {.doing = fmt::format("it replaces the function '{}' of another program, which is not named", function),
             .hint = "name that program with --target PROGRAM=ID",
             .blame = Blame::usage});
    }
    const std::string_view module = take_module(function);
    const Name wanted = kernel_name(program.kind, function);
    const auto found = types.find(wanted.kind, wanted.text, module);
    if (!found) {
        throw_malformed(fmt::format("{} has no {} '{}'", module.empty() ? "this kernel" : std::string(module),
                                    what_it_is(program.kind), function),
                        missing_hint(types, wanted, function));
    }
    return {.btf_id = found->id, .fd = found->btf_fd};
}

AttachTarget find_attach_target(KernelGate& gate, int prog_fd, const ProgramSpec& program) {
    bpf_prog_info info{};
    const ObjGetInfoByFd call{.bpf_fd = prog_fd, .info = std::as_writable_bytes(std::span<bpf_prog_info, 1>(&info, 1))};
    const Answer told = gate.enter(call, "which BTF the program to be attached to has");
    if (!told.ok()) throw kernel_error("asking about the program to be attached to", call, told);
    if (info.btf_id == 0) {
        throw_malformed(fmt::format("program {} has no BTF, so that none of its functions can be named", info.id),
                        "load it from an object compiled with -g");
    }
    const auto where = fmt::format("the BTF of program {}", info.id);
    const btf::Btf btf = btf::Btf::parse(copy_btf(gate, info.btf_id), where);
    const std::string& target = program.kind.hook.target;
    const std::string& function = target.empty() ? program.name : target;
    const auto id = btf.find(btf::Kind::func, function);
    if (!id) throw_malformed(fmt::format("program {} has no function '{}'", info.id, function));
    return {.btf_id = *id, .fd = prog_fd};
}

}  // namespace minibpf
