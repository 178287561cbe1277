// From an ObjectSpec to an Object, as the options of the command line want it.
#include "load_object.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include <fmt/format.h>

#include <libminibpf/attach/interface.hpp>
#include <libminibpf/kernel/kernel_error.hpp>
#include <libminibpf/relocate/link.hpp>

#include "output.hpp"
#include "units.hpp"

namespace cli {

using namespace minibpf;

namespace {

/// Descriptors of loaded programs, kept while other programs are tied to them.
class Targets {
public:
    Targets(KernelGate& gate, const std::vector<std::string>& requests) {
        for (const std::string& request : requests) {
            const std::size_t equals = request.find('=');
            if (equals == std::string::npos || equals + 1 == request.size()) {
                throw_usage(fmt::format("--target {}: this is not PROGRAM=ID or PROGRAM=PATH", request),
                            "for instance --target my_replacement=123");
            }
            fds_.push_back(open(gate, request.substr(equals + 1)));
            by_program[request.substr(0, equals)] = fds_.back().get();
        }
    }

    std::map<std::string, int> by_program;

private:
    static Fd open(KernelGate& gate, const std::string& target) {
        const auto id = parse_number(target);
        const Syscall call = id ? Syscall(GetFdById{.kind = IdKind::prog, .id = static_cast<std::uint32_t>(*id)})
                                : Syscall(ObjGet{.pathname = target});
        const Answer answer = gate.enter(call, "the program that another one is tied to");
        if (!answer.ok()) throw kernel_error(fmt::format("opening the program {}", target), call, answer);
        return Fd(gate, answer.fd());
    }

    std::vector<Fd> fds_;
};

// The kernel verifies these for the place that they will be attached to.
bool is_settled_by_load(HookKind kind) {
    constexpr std::array<HookKind, 7> kinds = {HookKind::tp_btf,   HookKind::fentry, HookKind::fexit,
                                               HookKind::fmod_ret, HookKind::lsm,    HookKind::freplace,
                                               HookKind::iter};
    return std::ranges::find(kinds, kind) != kinds.end();
}

// Tracing programs that do not look at their context may run at each other's hooks, if they are loaded for them.
bool is_of_another_type(const ProgramSpec& program, const Hook& hook) {
    constexpr std::array<bpf_prog_type, 4> tracing = {BPF_PROG_TYPE_KPROBE, BPF_PROG_TYPE_TRACEPOINT,
                                                      BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_PROG_TYPE_PERF_EVENT};
    const bpf_prog_type wanted = program_kind_at(hook).type;
    return program.kind.type != wanted && std::ranges::find(tracing, wanted) != tracing.end() &&
           std::ranges::find(tracing, program.kind.type) != tracing.end();
}

// Probes are all of one type. Those of many places at once are told apart by expected_attach_type, which is the load's.
bool is_kind_of_probe(const ProgramSpec& program, const Hook& hook) {
    return program.kind.type == BPF_PROG_TYPE_KPROBE && program_kind_at(hook).type == BPF_PROG_TYPE_KPROBE;
}

// A program that a network card is to run is loaded for this card, and so are its maps.
void settle_offload(KernelGate& gate, ObjectSpec& spec, ProgramSpec& program, const Hook& hook) {
    const InterfaceTarget target = parse_interface_target(hook.target);
    const auto is_offload = [](const auto& setting) { return setting.first == "offload"; };
    if (hook.kind != HookKind::xdp || std::ranges::none_of(target.settings, is_offload)) return;
    program.prog_ifindex = interface_index(gate, target.name, fmt::format("{} at {}", program.name, hook_text(hook)));
    std::vector<bool> used(spec.maps.size());
    note_maps_used(link_functions(spec, program), spec, used);
    for (std::size_t i = 0; i < used.size(); ++i) {
        if (used[i]) spec.maps[i].map_ifindex = program.prog_ifindex;
    }
}

// Programs that are verified for one place must know it before the load.
void settle_hooks(KernelGate& gate, ObjectSpec& spec, const std::vector<std::string>& requests) {
    for (const std::string& request : requests) {
        const std::size_t equals = request.find('=');
        // PROGRAM=HOOK or HOOK, in which an = comes after the kind's colon.
        const bool has_program = equals != std::string::npos && equals < request.find(':');
        const Hook hook = parse_hook(std::string_view(request).substr(has_program ? equals + 1 : 0));
        for (ProgramSpec& program : spec.programs) {
            const bool is_meant = has_program ? program.name == request.substr(0, equals) : spec.programs.size() == 1;
            if (!is_meant) continue;
            if (is_of_another_type(program, hook)) {
                spec.warnings.push_back(fmt::format("{} was written for {}, and is loaded as a program for {}",
                                                    program.name, hook_text(program.kind.hook), hook_text(hook)));
                program.kind = program_kind_at(hook);
            }
            settle_offload(gate, spec, program, hook);
            if (!is_settled_by_load(hook.kind) && !is_kind_of_probe(program, hook)) continue;
            program.kind.hook = hook;
            program.kind.hook.target = hook.target.substr(0, hook.target.find(','));
            program.kind.expected_attach_type = hook.attach_type;
        }
    }
}

}  // namespace

Object load_object(KernelGate& gate, ObjectSpec spec, const RunOptions& options) {
    settle_hooks(gate, spec, options.attach);
    if (options.is_plan) spec.foreign_endian = false;  // one of spec.warnings says that run would refuse it
    spec.require_native_endian();
    for (const std::string& warning : spec.warnings) {
        if (!options.quiet) note(fmt::format("loader: warning: {}", warning));
    }
    const Targets targets(gate, options.target);
    LoadOptions load_options{.programs = options.programs,
                             .keep_going = options.keep_going,
                             .btf = options.btf,
                             .pin_directory = options.pin_directory,
                             .target_prog_fds = targets.by_program,
                             .log_level = options.log_level};
    load_options.verified = [](const std::string& program, std::string_view log) {
        note(fmt::format("loader: the verifier on {}:", program));
        std::fwrite(log.data(), 1, log.size(), stderr);
    };
    if (!options.quiet) load_options.notice = [](const std::string& text) { note(fmt::format("loader: {}", text)); };
    return load(gate, std::move(spec), load_options);
}

PrintkFormats formats_printed_by(const Object& object) {
    std::vector<std::size_t> loaded;
    for (const Program& program : object.programs()) {
        const LinkedProgram linked = link_functions(object.spec(), program.spec());
        for (const PlacedFunction& placed : linked.functions) loaded.push_back(placed.function);
    }
    return printk_formats(object.spec(), loaded);
}

}  // namespace cli
