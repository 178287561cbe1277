// Kprobes: a breakpoint on (nearly) any instruction of the kernel; kretprobes: on a function's return.
//
// Since Linux 4.17 a kprobe is a perf event of its own PMU, whose type number stands in sysfs, and config1 points at
// the function's name (kernel/events/core.c, perf_kprobe_event_init()). Older kernels want a line in tracefs's
// kprobe_events, which makes a tracepoint, which is then opened like any other. Both are one perf event in the end.
#include <libminibpf/attach/attach.hpp>

#include <algorithm>
#include <cctype>
#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/perf_event.h>

#include <libminibpf/attach/stale_probes.hpp>
#include <libminibpf/attach/tracefs.hpp>
#include <libminibpf/kernel/files.hpp>
#include <libminibpf/kernel/kernel_error.hpp>
#include <libminibpf/load/kernel_symbols.hpp>

namespace minibpf {

namespace {

constexpr const char* pmu_type_file = "/sys/bus/event_source/devices/kprobe/type";

struct Probe {
    std::string function;
    std::uint64_t offset = 0;
    bool at_return = false;
    std::uint32_t maxactive = 0;
    std::string description;
    std::string program;
};

struct OpenedProbe {
    TracefsProbe probe;  ///< tracefs only
    Fd event;            ///< not open: there is no such function
};

[[noreturn]] void throw_no_kprobes(const Probe& probe) {
    throw Error({.doing = fmt::format(
                     "attaching {}: this kernel has no kprobes (neither {} nor kprobe_events in tracefs exists)",
                     probe.description, pmu_type_file),
                 .hint = fmt::format(
                     "it was built without CONFIG_KPROBES: use a tracepoint of the same event, which for execve "
                     "is --attach '{}=tracepoint:syscalls/sys_enter_execve', or another kernel",
                     probe.program),
                 .blame = Blame::facility});
}

std::string refusal_hint(KernelGate& gate, int error) {
    switch (error) {
        case EADDRNOTAVAIL: return "several functions of the kernel share this name, and it cannot tell which is meant";
        case EILSEQ: return "the offset is in the middle of an instruction";
        case EINVAL:
            return "the kernel keeps probes out of this place: its own tracing would run into them (notrace, "
                   "__kprobes), or it patches the instruction itself";
        case EPERM: return lockdown_hint(gate);
        default: return {};
    }
}

OpenedProbe open_by_pmu(KernelGate& gate, const Probe& probe, std::uint64_t pmu_type) {
    // config's bit 0 makes it a return probe: /sys/bus/event_source/devices/kprobe/format/retprobe says "config:0".
    const PerfEventOpen call{.type = static_cast<std::uint32_t>(pmu_type),
                             .config = probe.at_return ? 1u : 0u,
                             .kprobe_func = probe.function,
                             .probe_offset = probe.offset,
                             .pid = -1,
                             .cpu = 0};
    const Answer answer = gate.enter(
        call, [&] { return fmt::format("an event of the kprobe PMU (type {}) on {}", pmu_type, probe.function); });
    if (answer.ok()) return {.event = Fd(gate, answer.fd())};
    if (answer.error == ENOENT) return {};
    throw kernel_error("attaching " + probe.description, call, answer, refusal_hint(gate, answer.error));
}

// An event's name may hold letters, digits and '_' and has 63 characters at most (MAX_EVENT_NAME_LEN). The process in
// it tells whose it is, should it be left behind.
std::string event_name(KernelGate& gate, const Probe& probe) {
    static int counter = 0;
    std::string function = probe.function.substr(0, 32);
    std::replace_if(
        function.begin(), function.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
    return fmt::format("{}_{}_{}", function,
                       gate.enter(GetPid{}, "the probe's name says which process it belongs to").value, ++counter);
}

// What tracefs noted about a line that it refused (error_log, Linux 5.2); empty when there is nothing.
//
//     [    4.693977] trace_kprobe: error: Invalid probed address or symbol
//       Command: p:minibpf/no_such_function_4711_1 no_such_function+0
//                                                  ^
std::string noted_error(KernelGate& gate, const std::string& line) {
    constexpr std::string_view marker = ": error: ";
    try {
        const TracefsFile file =
            open_tracefs(gate, "error_log", O_RDONLY, "the kernel notes there what is wrong with a line");
        if (!file.fd.is_open()) return {};
        const Bytes content = read_all(gate, file.fd.get(), file.path);
        const std::string_view log = text_of(content);
        const std::size_t end = log.rfind(fmt::format("\n  Command: {}\n", line));
        if (end == std::string_view::npos) return {};
        const std::size_t begin = log.rfind(marker, end);
        if (begin == std::string_view::npos) return {};
        return std::string(log.substr(begin + marker.size(), end - begin - marker.size()));
    } catch (const Error&) {
        return {};  // the refusal itself is told in any case
    }
}

// Kernels that look the name up before they make the probe (6.12) say EINVAL where older ones say ENOENT.
bool means_no_function(KernelGate& gate, int error, const std::string& line) {
    return error == ENOENT || (error == EINVAL && noted_error(gate, line) == "Invalid probed address or symbol");
}

OpenedProbe open_by_tracefs(KernelGate& gate, const Probe& probe) {
    TracefsFile events =
        open_tracefs(gate, "kprobe_events", O_WRONLY | O_APPEND, "this kernel takes kprobes as lines in kprobe_events");
    if (!events.fd.is_open()) throw_no_kprobes(probe);
    // Once: the next probe of this process would find nothing else.
    static const auto removed = remove_stale_probes(gate, "kprobe_events");
    const std::string event = "minibpf/" + event_name(gate, probe);
    const std::string kind = !probe.at_return ? "p" : probe.maxactive == 0 ? "r" : fmt::format("r{}", probe.maxactive);
    const std::string line = fmt::format("{}:{} {}+{}", kind, event, probe.function, probe.offset);
    const Write write{.fd = events.fd.get(), .data = bytes_of(std::string_view(line))};
    const Answer written = gate.enter(write, [&] { return fmt::format("makes event {}", event); });
    if (!written.ok()) {
        if (means_no_function(gate, written.error, line)) return {};
        throw kernel_error(fmt::format("attaching {}: writing '{}' to {}", probe.description, line, events.path), write,
                           written, refusal_hint(gate, written.error));
    }
    TracefsProbe owner(gate, std::move(events.fd), event);

    const std::string id_path = events.path.substr(0, events.path.rfind('/')) + "/events/" + event + "/id";
    const std::optional<std::uint64_t> id = read_number(gate, id_path, "the event's number");
    if (!id) throw_malformed(fmt::format("attaching {}: {} holds no number", probe.description, id_path));
    const PerfEventOpen call{.type = PERF_TYPE_TRACEPOINT,
                             .config = *id,
                             .sample_period = 1,
                             .sample_type = PERF_SAMPLE_RAW,
                             .wakeup_events = 1};
    const Answer answer = gate.enter(call, [&] { return fmt::format("the event on {}", probe.function); });
    if (!answer.ok()) throw kernel_error("attaching " + probe.description, call, answer);
    return {.probe = std::move(owner), .event = Fd(gate, answer.fd())};
}

OpenedProbe open_probe(KernelGate& gate, const Probe& probe, KprobeBy by) {
    if (by != KprobeBy::tracefs) {
        const std::optional<std::uint64_t> type =
            read_number(gate, pmu_type_file, "the number of the kprobe PMU in this kernel");
        if (type) return open_by_pmu(gate, probe, *type);
        if (by == KprobeBy::pmu) throw_no_kprobes(probe);
    }
    return open_by_tracefs(gate, probe);
}

// The name becomes part of a line of kprobe_events: a blank or a newline in it would be a command of its own.
void check_name(const std::string& description, const std::string& function) {
    const auto belongs = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '.' || c == '$'; };
    if (std::all_of(function.begin(), function.end(), belongs)) return;
    throw_malformed(fmt::format("attaching {}: '{}' is no name of a kernel function", description, function));
}

std::vector<std::string> functions_of(const Hook& hook) {
    if (hook.kind == HookKind::ksyscall || hook.kind == HookKind::kretsyscall) return syscall_fnnames(hook.target);
    return {hook.target};
}

[[noreturn]] void throw_no_function(KernelGate& gate, const std::string& description,
                                    const std::vector<std::string>& functions) {
    throw_malformed(fmt::format("attaching {}: this kernel has no function {} that can be probed", description,
                                fmt::join(functions, " or ")),
                    missing_function_hint(gate, functions.front()));
}

// The kernel keeps a structure for each call that is under way; without a number it takes twice as many as there are
// CPUs, or ten (kernel/kprobes.c, register_kretprobe()). Only a line of kprobe_events can say another one.
KprobeBy way_with_maxactive(const Probe& probe, KprobeBy by) {
    if (probe.maxactive == 0) return by;
    if (!probe.at_return) {
        throw_usage(fmt::format("attaching {}: only a kretprobe counts the calls under way", probe.description),
                    "leave out maxactive");
    }
    if (by == KprobeBy::pmu) {
        throw_usage(fmt::format("attaching {}: the kprobe PMU takes no maxactive", probe.description),
                    "make the probe in tracefs");
    }
    return KprobeBy::tracefs;
}

}  // namespace

std::vector<std::string> syscall_fnnames(std::string_view syscall) {
#if defined(__x86_64__)
    constexpr std::string_view prefix = "__x64_";
#elif defined(__aarch64__)
    constexpr std::string_view prefix = "__arm64_";
#elif defined(__s390x__)
    constexpr std::string_view prefix = "__s390x_";
#elif defined(__riscv)
    constexpr std::string_view prefix = "__riscv_";
#else
    constexpr std::string_view prefix = "";  // this architecture's entry code calls sys_NAME itself
#endif
    const std::string plain = fmt::format("sys_{}", syscall);
    if (prefix.empty()) return {plain};
    return {fmt::format("{}{}", prefix, plain), plain};
}

std::string get_syscall_fnname(std::string_view syscall) {
    return syscall_fnnames(syscall).front();
}

Link attach_kprobe(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options) {
    Probe probe{.offset = hook.offset,
                .at_return = hook.kind == HookKind::kretprobe || hook.kind == HookKind::kretsyscall,
                .maxactive = options.maxactive,
                .description = fmt::format("{} at {}", program.name(), hook_text(hook)),
                .program = program.name()};
    if (options.by == AttachBy::link) check_loaded_for(program, hook);
    const KprobeBy by = way_with_maxactive(probe, options.kprobe_by);
    const std::vector<std::string> functions = functions_of(hook);
    for (const std::string& function : functions) {
        check_name(probe.description, function);
        probe.function = function;
        OpenedProbe opened = open_probe(gate, probe, by);
        if (!opened.event.is_open()) continue;
        return attach_to_event(gate, program, probe.description, std::move(opened.probe), std::move(opened.event),
                               options);
    }
    throw_no_function(gate, probe.description, functions);
}

TracefsProbe::~TracefsProbe() {
    if (!events_file_.is_open()) return;
    gate_->enter(Write{.fd = events_file_.get(), .data = bytes_of(std::string_view(removal_))},
                 "the probe that was made here is removed");
}

}  // namespace minibpf
