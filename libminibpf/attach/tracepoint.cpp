// Tracepoints: places in the kernel's source where it offers to call whoever listens, with fields of a stable layout.
//
// Each has a directory in tracefs, /sys/kernel/tracing/events/CATEGORY/NAME: `format` lists the fields that the program
// sees in its context, `id` is the number by which perf_event_open(2) knows the tracepoint. The program hangs on the
// perf event; the event belongs to this process and CPU only on paper, for kernel/trace/bpf_trace.c runs the programs
// of a tracepoint at every hit, on all CPUs and for all processes.
#include <libminibpf/attach/attach.hpp>

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/perf_event.h>

#include <libminibpf/attach/tracefs.hpp>
#include <libminibpf/kernel/files.hpp>
#include <libminibpf/kernel/kernel_error.hpp>

namespace minibpf {

namespace {

[[noreturn]] void throw_no_tracepoint(KernelGate& gate, const std::string& doing, const std::string& target) {
    std::string name = target;
    std::replace(name.begin(), name.end(), '/', ':');  // as available_events writes it
    std::string hint = did_you_mean(name, available_events(gate));
    if (hint.empty()) hint = "the tracepoints of this kernel are listed in /sys/kernel/tracing/available_events";
    throw_malformed(fmt::format("{}: this kernel has no tracepoint {}", doing, name), std::move(hint));
}

std::uint64_t tracepoint_id(KernelGate& gate, const std::string& doing, const std::string& target) {
    // A target from a section name is a path below events/: two names and one slash, nothing that climbs out.
    if (target.find("..") != std::string::npos || std::count(target.begin(), target.end(), '/') != 1) {
        throw_malformed(fmt::format("{}: '{}' is no tracepoint", doing, target),
                        "write CATEGORY/NAME, as in syscalls/sys_enter_execve");
    }
    const TracefsFile file = open_tracefs(gate, fmt::format("events/{}/id", target), O_RDONLY,
                                          "the number by which perf_event_open() knows the tracepoint");
    if (!file.fd.is_open()) throw_no_tracepoint(gate, doing, target);
    const std::optional<std::uint64_t> id = read_number(gate, file.fd.get());
    if (!id) throw_malformed(fmt::format("{}: {} holds no number", doing, file.path));
    return *id;
}

}  // namespace

Link attach_tracepoint(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options) {
    const std::string description = fmt::format("{} at {}", program.name(), hook_text(hook));
    const std::uint64_t id = tracepoint_id(gate, "attaching " + description, hook.target);
    const PerfEventOpen call{.type = PERF_TYPE_TRACEPOINT,
                             .config = id,
                             .sample_period = 1,
                             .sample_type = PERF_SAMPLE_RAW,
                             .wakeup_events = 1,
                             .pid = -1,
                             .cpu = 0};
    const Answer answer =
        gate.enter(call, [&] { return fmt::format("an event for tracepoint {}, number {}", hook.target, id); });
    if (!answer.ok()) throw kernel_error("attaching " + description, call, answer);
    return attach_to_event(gate, program, description, {}, Fd(gate, answer.fd()), options);
}

}  // namespace minibpf
