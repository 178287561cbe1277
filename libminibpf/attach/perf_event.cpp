// Perf events: counters of the kernel (its clock, page faults, context switches) and of the processor (cycles, cache
// misses), which run a program each time they have counted so far.
//
// How far is a number of hits (sample_period) or, with attr.freq, a number of times in a second, for which the kernel
// adapts the period as it goes. An event counts on one CPU, or follows one process over all of them; for the whole
// machine it takes one on each CPU. The program (BPF_PROG_TYPE_PERF_EVENT, Linux 4.9) belongs to the single event,
// unlike a tracepoint's: it gets the interrupted registers and the period (struct bpf_perf_event_data). It is put on an
// event by ioctl or, since 5.15, by a link.
#include <libminibpf/attach/attach.hpp>

#include <algorithm>
#include <array>
#include <cerrno>

#include <fmt/format.h>
#include <linux/perf_event.h>

#include <libminibpf/attach/hook_parameters.hpp>
#include <libminibpf/attach/tracefs.hpp>
#include <libminibpf/kernel/cpus.hpp>
#include <libminibpf/kernel/kernel_error.hpp>

namespace minibpf {

namespace {

/// As perf(1) calls it.
struct CounterName {
    std::string_view name;
    std::uint32_t type;
    std::uint64_t config;
    bool by_time = true;  ///< unless asked otherwise, 99 times a second; else at each hit
};

constexpr CounterName counters[] = {
    {"cpu-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK},
    {"task-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK},
    {"page-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS, false},
    {"minor-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MIN, false},
    {"major-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MAJ, false},
    {"context-switches", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES, false},
    {"cgroup-switches", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CGROUP_SWITCHES, false},
    {"cpu-migrations", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS, false},
    {"alignment-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_ALIGNMENT_FAULTS, false},
    {"emulation-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_EMULATION_FAULTS, false},
    {"cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
    {"instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
    {"cache-references", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_REFERENCES},
    {"cache-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES},
    {"branches", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS},
    {"branch-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES},
    {"bus-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BUS_CYCLES},
    {"stalled-cycles-frontend", PERF_TYPE_HARDWARE, PERF_COUNT_HW_STALLED_CYCLES_FRONTEND},
    {"stalled-cycles-backend", PERF_TYPE_HARDWARE, PERF_COUNT_HW_STALLED_CYCLES_BACKEND},
    {"ref-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_REF_CPU_CYCLES},
};

constexpr std::uint64_t usual_frequency = 99;  // not in step with what happens 100 times a second

/// One CPU's event, and the link if there is one, which goes first.
struct CpuEvent {
    Fd event;
    Fd link;
};

class PerfEvents final : public Attachment {
public:
    std::vector<CpuEvent> events;
};

const CounterName& find_counter(const std::string& doing, const std::string& name) {
    const auto found = std::ranges::find(counters, std::string_view(name), &CounterName::name);
    if (found != std::end(counters)) return *found;
    std::vector<std::string> names;
    for (const CounterName& counter : counters) names.emplace_back(counter.name);
    std::string hint = did_you_mean(name, names);
    if (hint.empty())
        hint = "write cpu-clock@99, page-faults, context-switches, cycles@99, cache-misses,period=1000, ...";
    throw_usage(fmt::format("{}: '{}' is no event", doing, name), std::move(hint));
}

PerfEventOpen counter_event(const std::string& doing, const HookParameters& parameters) {
    const std::size_t at = parameters.name.find('@');
    const CounterName& counter = find_counter(doing, parameters.name.substr(0, at));
    PerfEventOpen call{.type = counter.type, .config = counter.config};
    if (at != std::string::npos) {
        call.sample_freq = parse_parameter("the frequency", std::string_view(parameters.name).substr(at + 1));
    }
    call.sample_period = parameters.number("period", 0);
    if (call.sample_freq != 0 && call.sample_period != 0) {
        throw_usage(fmt::format("{}: a frequency and a period exclude each other", doing), "leave out @ or period=");
    }
    if (call.sample_freq != 0 || call.sample_period != 0) return call;
    if (at != std::string::npos || parameters.find("period") != nullptr) {
        throw_usage(fmt::format("{}: with 0 the program would never run", doing), "write @99 or period=1");
    }
    (counter.by_time ? call.sample_freq : call.sample_period) = counter.by_time ? usual_frequency : 1;
    return call;
}

// Where the events count: one for the process, or one for each CPU.
std::vector<PerfEventOpen> counter_places(KernelGate& gate, const PerfEventOpen& call,
                                          const HookParameters& parameters) {
    PerfEventOpen place = call;
    const bool has_pid = parameters.find("pid") != nullptr;
    place.pid = has_pid ? static_cast<int>(parameters.number("pid", 0)) : -1;
    place.cpu = parameters.find("cpu") != nullptr ? static_cast<int>(parameters.number("cpu", 0)) : -1;
    if (has_pid || place.cpu >= 0) return {place};
    std::vector<PerfEventOpen> places;
    for (const int cpu : online_cpus(gate)) {
        place.cpu = cpu;
        places.push_back(place);
    }
    return places;
}

Error counter_error(const std::string& doing, const PerfEventOpen& call, const Answer& answer) {
    const bool is_hardware = call.type == PERF_TYPE_HARDWARE;
    switch (answer.error) {
        case ENOENT:
        case ENODEV:
        case EOPNOTSUPP:
            if (!is_hardware) break;
            return kernel_error(doing, call, answer,
                                "the processor has no such counter, or the virtual machine does not pass it on: use a "
                                "clock of the kernel's, --attach 'PROGRAM=perf_event:cpu-clock@99'")
                .with_blame(Blame::facility);
        case EINVAL:
            if (call.sample_freq == 0) break;
            return kernel_error(doing, call, answer,
                                "more often than /proc/sys/kernel/perf_event_max_sample_rate allows")
                .with_blame(Blame::usage);
        case ESRCH: return kernel_error(doing, call, answer, "there is no such process").with_blame(Blame::usage);
        default: break;
    }
    return kernel_error(doing, call, answer);
}

void put_program_on(KernelGate& gate, const Program& program, const std::string& doing, CpuEvent& cpu,
                    const AttachOptions& options) {
    const auto why = [&] { return fmt::format("{} runs at each sample of this event", program.name()); };
    const bool by_link = options.by == AttachBy::link;
    const Syscall call = by_link ? Syscall(LinkCreate{.prog_fd = program.fd(),
                                                      .target_fd = cpu.event.get(),
                                                      .attach_type = BPF_PERF_EVENT,
                                                      .details = PerfEventLink{options.cookie}})
                                 : Syscall(PerfEventSetBpf{.event_fd = cpu.event.get(), .prog_fd = program.fd()});
    const Answer answer = gate.enter(call, why);
    if (!answer.ok()) {
        throw kernel_error(doing, call, answer,
                           by_link && answer.error == EINVAL ? "links to perf events need Linux 5.15" : "");
    }
    if (by_link) cpu.link = Fd(gate, answer.fd());
}

}  // namespace

Link attach_perf_event(KernelGate& gate, const Program& program, const Hook& hook, const AttachOptions& options) {
    std::string description = fmt::format("{} at {}", program.name(), hook_text(hook));
    const std::string doing = "attaching " + description;
    const HookParameters parameters = split_parameters(hook.target, {"period", "pid", "cpu"});
    const std::vector<PerfEventOpen> places = counter_places(gate, counter_event(doing, parameters), parameters);
    auto attachment = std::make_unique<PerfEvents>();
    attachment->events.reserve(places.size());
    for (const PerfEventOpen& place : places) {
        const Answer answer = gate.enter(place, [&] {
            return place.cpu < 0 ? fmt::format("{} in process {}", parameters.name, place.pid)
                                 : fmt::format("{} on CPU {}", parameters.name, place.cpu);
        });
        if (!answer.ok()) throw counter_error(doing, place, answer);
        attachment->events.push_back({.event = Fd(gate, answer.fd()), .link = {}});
        put_program_on(gate, program, doing, attachment->events.back(), options);
    }
    return Link(std::move(description), std::move(attachment));
}

}  // namespace minibpf
