// Uprobes: a breakpoint on an instruction of a program or library in user space; uretprobes: on a function's return.
//
// A uprobe belongs to a place in a file: the kernel puts the breakpoint into every process that has the file mapped, or
// maps it later, or only into the one whose pid is given. Since Linux 4.17 it is a perf event of the uprobe PMU:
//
//     config   | reference counter's offset in the file (4.20) | 0 ... 0 | return probe |
//               63                                           32            0
//     config1  -> the file's path          config2  the offset in the file
//
// (kernel/events/core.c, perf_uprobe_event_init()). Older kernels want a line in tracefs's uprobe_events, which makes a
// tracepoint, which is then opened like any other. The reference counter is a USDT probe's semaphore (usdt.cpp): the
// kernel counts it up in each process while there is a probe.
#include <libminibpf/attach/uprobe.hpp>

#include <algorithm>
#include <cctype>
#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/perf_event.h>

#include <libminibpf/attach/stale_probes.hpp>
#include <libminibpf/attach/tracefs.hpp>
#include <libminibpf/attach/uprobe_file.hpp>
#include <libminibpf/kernel/files.hpp>
#include <libminibpf/kernel/kernel_error.hpp>

namespace minibpf {

namespace {

constexpr const char* uprobe_pmu_type_file = "/sys/bus/event_source/devices/uprobe/type";
constexpr unsigned reference_counter_shift = 32;  // format/ref_ctr_offset beside the type says "config:32-63"

struct OpenedUprobe {
    TracefsProbe probe;  ///< tracefs only
    Fd event;
};

[[noreturn]] void throw_no_uprobes(const UprobePlace& place) {
    throw Error(
        {.doing =
             fmt::format("attaching {}: this kernel has no uprobes (neither {} nor uprobe_events in tracefs exists)",
                         place.description, uprobe_pmu_type_file),
         .hint = "it was built without CONFIG_UPROBE_EVENTS: use a tracepoint of a system call that the program "
                 "makes, or another kernel",
         .blame = Blame::facility});
}

// A process's own events are followed from CPU to CPU; for all processes one CPU stands for all, as the breakpoint runs
// the program wherever it is hit.
int event_cpu(int pid) noexcept {
    return pid < 0 ? 0 : -1;
}

OpenedUprobe open_uprobe_by_pmu(KernelGate& gate, const UprobePlace& place, std::uint64_t pmu_type, int pid) {
    if (place.semaphore_offset >> 32 != 0) {
        throw_malformed(fmt::format("attaching {}: the semaphore at {:#x} lies too far inside the file",
                                    place.description, place.semaphore_offset));
    }
    const PerfEventOpen call{.type = static_cast<std::uint32_t>(pmu_type),
                             .config = place.semaphore_offset << reference_counter_shift | (place.at_return ? 1u : 0u),
                             .kprobe_func = place.path,
                             .probe_offset = place.offset,
                             .pid = pid,
                             .cpu = event_cpu(pid)};
    const Answer answer = gate.enter(call, [&] {
        return fmt::format("an event of the uprobe PMU (type {}) on {}, offset {:#x}", pmu_type, place.path,
                           place.offset);
    });
    if (answer.ok()) return {.event = Fd(gate, answer.fd())};
    throw kernel_error("attaching " + place.description, call, answer, uprobe_refusal_hint(answer.error));
}

// Letters, digits and '_', at most 63 (MAX_EVENT_NAME_LEN); with the process whose it is, should it be left behind.
std::string uprobe_event_name(KernelGate& gate, const UprobePlace& place) {
    static int counter = 0;
    std::string file = place.path.substr(place.path.rfind('/') + 1).substr(0, 24);
    std::replace_if(
        file.begin(), file.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
    return fmt::format("u_{}_{:x}_{}_{}", file, place.offset,
                       gate.enter(GetPid{}, "the probe's name says which process it belongs to").value, ++counter);
}

// p:minibpf/u_bash_c0de_4711_1 /bin/bash:0xc0de(0x123456)
std::string uprobe_line(const UprobePlace& place, const std::string& event) {
    const auto separates = [](unsigned char c) { return std::isspace(c) != 0 || std::iscntrl(c) != 0; };
    if (std::any_of(place.path.begin(), place.path.end(), separates)) {
        throw_usage(fmt::format("attaching {}: tracefs takes no path with a blank in it", place.description),
                    "attach by the uprobe PMU, or by a symbolic link with another name");
    }
    std::string line = fmt::format("{}:{} {}:{:#x}", place.at_return ? 'r' : 'p', event, place.path, place.offset);
    if (place.semaphore_offset != 0) line += fmt::format("({:#x})", place.semaphore_offset);
    return line;
}

OpenedUprobe open_uprobe_by_tracefs(KernelGate& gate, const UprobePlace& place, int pid) {
    TracefsFile events =
        open_tracefs(gate, "uprobe_events", O_WRONLY | O_APPEND, "tracefs takes uprobes as lines in uprobe_events");
    if (!events.fd.is_open()) throw_no_uprobes(place);
    // Once: the next probe of this process would find nothing else.
    static const auto removed = remove_stale_probes(gate, "uprobe_events");
    const std::string event = "minibpf/" + uprobe_event_name(gate, place);
    const std::string line = uprobe_line(place, event);
    const std::string id_path = events.path.substr(0, events.path.rfind('/')) + "/events/" + event + "/id";
    const Write write{.fd = events.fd.get(), .data = bytes_of(std::string_view(line))};
    const Answer written = gate.enter(write, [&] { return fmt::format("makes event {}", event); });
    if (!written.ok()) {
        throw kernel_error(fmt::format("attaching {}: writing '{}' to {}", place.description, line, events.path), write,
                           written, uprobe_refusal_hint(written.error));
    }
    TracefsProbe owner(gate, std::move(events.fd), event);

    const std::optional<std::uint64_t> id = read_number(gate, id_path, "the event's number");
    if (!id) throw_malformed(fmt::format("attaching {}: {} holds no number", place.description, id_path));
    const PerfEventOpen call{.type = PERF_TYPE_TRACEPOINT,
                             .config = *id,
                             .sample_period = 1,
                             .sample_type = PERF_SAMPLE_RAW,
                             .wakeup_events = 1,
                             .pid = pid,
                             .cpu = event_cpu(pid)};
    const Answer answer = gate.enter(call, [&] { return fmt::format("the event on {}", place.path); });
    if (!answer.ok())
        throw kernel_error("attaching " + place.description, call, answer, uprobe_refusal_hint(answer.error));
    return {.probe = std::move(owner), .event = Fd(gate, answer.fd())};
}

OpenedUprobe open_uprobe(KernelGate& gate, const UprobePlace& place, const AttachOptions& options) {
    if (options.kprobe_by != KprobeBy::tracefs) {
        const std::optional<std::uint64_t> type =
            read_number(gate, uprobe_pmu_type_file, "the number of the uprobe PMU in this kernel");
        if (type) return open_uprobe_by_pmu(gate, place, *type, options.pid);
        if (options.kprobe_by == KprobeBy::pmu) throw_no_uprobes(place);
    }
    return open_uprobe_by_tracefs(gate, place, options.pid);
}

// The file is closed, and out of memory, before the probe is made.
UprobePlace find_place(KernelGate& gate, const Hook& hook, const std::string& description) {
    const std::string doing = "attaching " + description;
    const UprobeTarget target = split_uprobe_target(hook.target, doing);
    UprobeFile file = UprobeFile::open(gate, target.file, doing);
    const std::optional<std::uint64_t> number = parse_offset(target.function);
    const std::uint64_t begin =
        number ? *number : require_function(file.executable(), target.function, file.path(), doing);
    return {.path = file.path(),
            .offset = begin + hook.offset,
            .at_return = hook.kind == HookKind::uretprobe,
            .description = description};
}

}  // namespace

Link attach_to_place(KernelGate& gate, const Program& program, const UprobePlace& place, const AttachOptions& options) {
    OpenedUprobe opened = open_uprobe(gate, place, options);
    return attach_to_event(gate, program, place.description, std::move(opened.probe), std::move(opened.event), options);
}

Link attach_uprobe(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options) {
    if (options.by == AttachBy::link) check_loaded_for(program, hook);
    const UprobePlace place = find_place(gate, hook, fmt::format("{} at {}", program.name(), hook_text(hook)));
    return attach_to_place(gate, program, place, options);
}

}  // namespace minibpf
