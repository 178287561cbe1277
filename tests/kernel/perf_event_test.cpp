// Programs on the kernel's counters: they run while the event is open, for one process or on every CPU.
#include <array>
#include <chrono>
#include <csignal>
#include <functional>
#include <vector>

#include <fmt/format.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <libminibpf/attach/attach.hpp>
#include <libminibpf/narrate/failing_gate.hpp>
#include <tests/kernel/live.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

Object load_sampler(KernelGate& gate) {
    require_bpf();
    return load(gate, for_this_process("tracing_hooks"), {.programs = {"on_sample"}});
}

// Keeps the processor busy until the program has run so often, or for so long.
void work_until(Object& object, std::uint64_t wanted, std::chrono::milliseconds longest) {
    const auto end = std::chrono::steady_clock::now() + longest;
    while (hits(object) < wanted && std::chrono::steady_clock::now() < end) {
        for (int i = 0; i < 1000000; ++i) asm volatile("");
    }
}

void touch_pages(std::size_t count) {
    const std::size_t size = count * 4096;
    void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(memory != MAP_FAILED);
    madvise(memory, size, MADV_NOHUGEPAGE);
    for (std::size_t i = 0; i < count; ++i) static_cast<volatile char*>(memory)[i * 4096] = 1;
    munmap(memory, size);
}

}  // namespace

TEST_CASE("a program on the kernel's clock runs while the work goes on, on every CPU or in one process",
          "[attach][perf]") {
    LiveGate gate;
    const std::string own = ",pid=" + std::to_string(getpid());
    for (const std::string& hook : {std::string("perf_event:cpu-clock@199"), "perf_event:cpu-clock@199" + own,
                                    "perf_event:task-clock,period=5000000" + own}) {
        for (const AttachBy by : {AttachBy::older, AttachBy::link}) {
            INFO(hook << (by == AttachBy::link ? " by link" : ""));
            Object object = load_sampler(gate);
            const Holdings before = holdings();
            {
                const Link link = attach(gate, object.programs().front(), parse_hook(hook), {.by = by});
                work_until(object, 3, std::chrono::seconds(20));
                CHECK(hits(object) >= 3);
            }
            CHECK(holdings() == before);
            const std::uint64_t at_end = hits(object);
            work_until(object, at_end + 1, std::chrono::milliseconds(100));
            CHECK(hits(object) == at_end);
        }
    }
}

TEST_CASE("a program on page faults runs at each of them, or at each Nth", "[attach][perf]") {
    LiveGate gate;
    constexpr std::size_t pages = 200;
    for (const std::uint64_t period : {1u, 10u}) {
        Object object = load_sampler(gate);
        {
            const Link link =
                attach(gate, object.programs().front(),
                       parse_hook(fmt::format("perf_event:page-faults,period={},pid={}", period, getpid())));
            touch_pages(pages);
        }
        const std::uint64_t ran = hits(object);
        CHECK(ran >= pages / period);
        CHECK(ran < 2 * pages / period);
        touch_pages(pages);
        CHECK(hits(object) == ran);
    }
}

namespace {

using PerCpu = std::array<std::uint64_t, 256>;  // as tests/data/perf_cpus.bpf.c has it

void spin_for(std::chrono::milliseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end) {
    }
}

// Keeps the processor busy until it is so; a busy machine, and an emulated one, may let us wait. Answers whether it is.
template <class Condition>
bool spin_until(Condition is_so) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!is_so()) {
        if (std::chrono::steady_clock::now() > end) return false;
    }
    return true;
}

std::vector<int> allowed_cpus() {
    cpu_set_t set;
    REQUIRE(sched_getaffinity(0, sizeof set, &set) == 0);
    std::vector<int> cpus;
    for (int cpu = 0; cpu < 256; ++cpu) {
        if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    }
    return cpus;
}

void move_to(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    REQUIRE(sched_setaffinity(0, sizeof set, &set) == 0);
}

// A process that does something, until it is killed.
class Child {
public:
    explicit Child(const std::function<void()>& work) : pid_(fork()) {
        if (pid_ != 0) return;
        for (;;) work();
    }
    ~Child() {
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    int pid() const noexcept { return pid_; }

private:
    pid_t pid_;
};

Object load_counter_of(KernelGate& gate, int process) {
    require_bpf();
    ObjectSpec spec = object_spec("tests/data/perf_cpus.bpf.o");
    spec.set_variable("process", std::to_string(process));
    return load(gate, std::move(spec));
}

}  // namespace

TEST_CASE("a program on every CPU's clock runs on each CPU, and with cpu= on that one alone", "[attach][perf]") {
    LiveGate gate;
    Object object = load_counter_of(gate, getpid());
    const Program& program = object.programs().front();
    const std::vector<int> cpus = allowed_cpus();
    const auto counts = [&] { return variable<PerCpu>(object, "on_cpu"); };
    {
        const Link link = attach(gate, program, parse_hook("perf_event:cpu-clock@199"));
        for (const int cpu : cpus) {
            INFO("CPU " << cpu);
            move_to(cpu);
            const PerCpu before = counts();
            const std::uint64_t ours = variable<std::uint64_t>(object, "of_process");
            const auto index = static_cast<std::size_t>(cpu);
            CHECK(spin_until([&] {
                return counts()[index] >= before[index] + 3 && variable<std::uint64_t>(object, "of_process") > ours;
            }));
        }
    }
    const int only = cpus.back();
    const PerCpu before = counts();
    {
        const Link link = attach(gate, program, parse_hook(fmt::format("perf_event:cpu-clock@199,cpu={}", only)));
        for (const int cpu : cpus) {
            const auto index = static_cast<std::size_t>(cpu);
            move_to(cpu);
            spin_for(std::chrono::milliseconds(200));
            if (cpu == only) spin_until([&] { return counts()[index] > before[index]; });
        }
    }
    for (const int cpu : cpus) {
        INFO("CPU " << cpu);
        const auto index = static_cast<std::size_t>(cpu);
        CHECK((counts()[index] > before[index]) == (cpu == only));
    }
}

TEST_CASE("a program on one process's clock does not run for others", "[attach][perf]") {
    LiveGate gate;
    const Child idle([] { pause(); });
    const Child busy([] { asm volatile(""); });
    for (const AttachBy by : {AttachBy::older, AttachBy::link}) {
        const auto counts = [&](int pid, std::uint64_t at_least) {
            Object object = load_counter_of(gate, pid);
            const Link link = attach(gate, object.programs().front(),
                                     parse_hook(fmt::format("perf_event:task-clock@199,pid={}", pid)), {.by = by});
            spin_for(std::chrono::milliseconds(400));
            spin_until([&] { return variable<std::uint64_t>(object, "of_process") >= at_least; });
            CHECK(variable<std::uint64_t>(object, "of_others") == 0);
            return variable<std::uint64_t>(object, "of_process");
        };
        CHECK(counts(idle.pid(), 0) == 0);
        CHECK(counts(busy.pid(), 3) >= 3);
    }
}

TEST_CASE("a program runs about as often as the frequency says", "[attach][perf]") {
    LiveGate gate;
    move_to(allowed_cpus().front());
    double runs_before = 0;
    for (const double frequency : {50, 500}) {
        INFO(frequency << " times a second");
        Object object = load_counter_of(gate, getpid());
        const std::string hook = fmt::format("perf_event:cpu-clock@{},cpu={}", frequency, allowed_cpus().front());
        const auto begin = std::chrono::steady_clock::now();
        {
            const Link link = attach(gate, object.programs().front(), parse_hook(hook));
            spin_for(std::chrono::seconds(1));
        }
        const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
        const auto runs = static_cast<double>(variable<std::uint64_t>(object, "of_process") +
                                              variable<std::uint64_t>(object, "of_others"));
        CHECK(runs <= 1.2 * frequency * time.count() + 2);
        CHECK(runs > 1.5 * runs_before);  // an emulated processor loses many of its ticks, but not that many
        runs_before = runs;
    }
    CHECK(runs_before > 0);
}

TEST_CASE("what is wrong with a perf event's hook is told", "[attach][perf]") {
    LiveGate gate;
    Object object = load_sampler(gate);
    const auto error_for = [&](const std::string& hook) {
        INFO(hook);
        return error_of([&] { attach(gate, object.programs().front(), parse_hook("perf_event:" + hook)); }).detail();
    };
    CHECK_THAT(error_for("cpu-clok@99").hint, contains("cpu-clock"));
    for (const char* hook : {"cpu-clok@99", "cpu-clock@", "cpu-clock@often", "cpu-clock@0", "cpu-clock@99,period=3",
                             "cpu-clock,who=1", "cpu-clock@99,pid=2147483647", "cpu-clock@1000000000"}) {
        CHECK(error_for(hook).blame == Blame::usage);
    }
    if (std::filesystem::exists("/sys/bus/event_source/devices/cpu")) return;
    const ErrorDetail detail = error_for("cycles@99");
    CHECK(detail.blame == Blame::facility);
    CHECK_THAT(detail.hint, contains("cpu-clock@99"));
}

TEST_CASE("when any call fails, a program on every CPU's clock leaves nothing open", "[attach][perf][fault]") {
    LiveGate live;
    Object object = load_sampler(live);
    for (const AttachBy by : {AttachBy::older, AttachBy::link}) {
        bool done = false;
        for (int nth = 0; !done; ++nth) {
            INFO("call " << nth << " fails");
            REQUIRE(nth < 10 + 2 * 4096);
            const Holdings before = holdings();
            FailingGate gate(live, nth, EMFILE);
            try {
                attach(gate, object.programs().front(), parse_hook("perf_event:cpu-clock@99"), {.by = by});
            } catch (const Error& error) {
                CHECK(gate.has_failed());
                CHECK_FALSE(error.detail().doing.empty());
            }
            CHECK(holdings() == before);
            done = !gate.has_failed();
        }
    }
}
