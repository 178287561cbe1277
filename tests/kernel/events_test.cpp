// Events on the running kernel: what programs send arrives, whole, in order, and nobody else's with it.
#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <numeric>
#include <thread>
#include <vector>

#include <sched.h>

#include <libminibpf/attach/attach.hpp>
#include <libminibpf/events/perf_buffer.hpp>
#include <libminibpf/events/ring_buffer.hpp>
#include <libminibpf/events/trace_pipe.hpp>
#include <libminibpf/kernel/cpus.hpp>
#include <libminibpf/kernel/page_size.hpp>
#include <tests/kernel/live.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

// The same in tests/data/kernel_events.bpf.c.
struct Numbered {
    std::uint64_t number;
    std::uint64_t square;
    std::uint32_t cpu;
};

void move_to(int cpu) {
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(cpu, &only);
    REQUIRE(sched_setaffinity(0, sizeof(only), &only) == 0);
}

Object load_sender(KernelGate& gate, const std::string& program) {
    return load(gate, for_this_process("kernel_events"), {.programs = {program}});
}

// The same in progs/chapter4/hello_buffer_config.h.
struct Data {
    std::uint32_t pid;
    std::uint32_t uid;
    char command[16];
    char message[12];
};

void check_chapter4(const std::string& path) {
    LiveGate gate;
    Object object = load(gate, object_spec(path));
    const Link link = attach(gate, object.require_program("hello"));
    std::vector<std::string> messages;
    Poller poller(gate);
    const PerfBuffer output(
        poller, object.require_map("output"),
        [&](int, ByteView sample) {
            const Data data = read_at<Data>(sample, 0).value();
            if (data.pid != static_cast<std::uint32_t>(getpid())) return;  // somebody else executes a program
            CHECK(data.uid == 0);
            CHECK(std::string(data.command) == "kernel_tests");
            messages.emplace_back(data.message);
        },
        [](int, std::uint64_t) {});
    move_to(online_cpus(gate).front());  // one ring, one order
    provoke_execve();
    object.require_map("config").update("0", "\"Hey root!\"");
    provoke_execve();
    poller.drain();
    CHECK(messages == std::vector<std::string>{"Hello World", "Hey root!"});
}

template <class... Arguments>
std::unique_ptr<TracePipe> open_trace_pipe(Arguments&&... arguments) {
    // Newer kernels let one process at a time read the pipe; another test may be about to finish.
    for (int tries = 0;; ++tries) {
        try {
            return std::make_unique<TracePipe>(arguments...);
        } catch (const Error& error) {
            if (error.detail().code != EBUSY || tries == 100) throw;
            std::this_thread::sleep_for(std::chrono::milliseconds(200));
        }
    }
}

}  // namespace

TEST_CASE("every sample of a perf buffer arrives once, in order, from the CPU that sent it", "[events]") {
    require_tracepoints();
    LiveGate gate;
    Object object = load_sender(gate, "to_perf_buffer");
    const Link link = attach(gate, object.require_program("to_perf_buffer"));
    std::map<int, std::vector<std::uint64_t>> sent;
    std::map<int, std::vector<std::uint64_t>> received;
    std::uint64_t lost = 0;
    Poller poller(gate);
    const PerfBuffer events(
        poller, object.require_map("events"),
        [&](int cpu, ByteView sample) {
            const Numbered event = read_at<Numbered>(sample, 0).value();
            CHECK(event.square == event.number * event.number);
            CHECK(event.cpu == static_cast<std::uint32_t>(cpu));
            received[cpu].push_back(event.number);
        },
        [&](int, std::uint64_t count) { lost += count; }, 2);

    // Together many times the size of the rings, so that records wrap around their ends.
    const std::vector<int> cpus = online_cpus(gate);
    std::uint64_t number = 0;
    for (int round = 0; round < 60; ++round) {
        const int cpu = cpus[static_cast<std::size_t>(round) % cpus.size()];
        move_to(cpu);
        for (int i = 0; i < 50; ++i) {
            provoke(static_cast<long>(++number));
            sent[cpu].push_back(number);
        }
        poller.wait(0);
    }
    poller.drain();
    CHECK(lost == 0);
    CHECK(variable<std::uint64_t>(object, "refused") == 0);
    CHECK(received == sent);
}

TEST_CASE("samples that a full perf ring drops are counted", "[events]") {
    require_tracepoints();
    LiveGate gate;
    Object object = load_sender(gate, "to_perf_buffer");
    const Link link = attach(gate, object.require_program("to_perf_buffer"));
    std::vector<std::uint64_t> received;
    std::uint64_t lost = 0;
    Poller poller(gate);
    PerfBuffer events(
        poller, object.require_map("events"),
        [&](int, ByteView sample) { received.push_back(read_at<Numbered>(sample, 0).value().number); },
        [&](int, std::uint64_t count) { lost += count; }, 1);

    move_to(online_cpus(gate).front());
    const std::uint64_t count = 2 * page_size() / sizeof(Numbered);
    for (std::uint64_t i = 0; i < count; ++i) provoke(static_cast<long>(i));
    events.drain();
    REQUIRE_FALSE(received.empty());
    CHECK(received.size() < count);
    const std::size_t before_the_gap = received.size();
    // The kernel tells of the loss as soon as it has room again: with the next sample.
    provoke(static_cast<long>(count));
    events.drain();
    CHECK(lost > 0);
    CHECK(received.size() + lost == count + 1);
    CHECK(received.back() == count);
    for (std::size_t i = 0; i < before_the_gap; ++i) CHECK(received[i] == i);
}

TEST_CASE("chapter 4 sends each user the message that `config` has for them, from a raw tracepoint",
          "[events][chapter4]") {
    require_bpf();
    check_chapter4("progs/chapter4/hello_buffer_config_raw_tp.bpf.o");
}

TEST_CASE("chapter 4 sends each user the message that `config` has for them, from a kprobe",
          "[events][chapter4][kprobe]") {
    require_kprobe_pmu();
    check_chapter4("progs/chapter4/hello_buffer_config.bpf.o");
}

TEST_CASE("once a perf buffer is closed, its programs have nowhere to send to, and go on", "[events]") {
    require_tracepoints();
    LiveGate gate;
    Object object = load_sender(gate, "to_perf_buffer");
    const Link link = attach(gate, object.require_program("to_perf_buffer"));
    {
        Poller poller(gate);
        const PerfBuffer events(
            poller, object.require_map("events"), [](int, ByteView) {}, [](int, std::uint64_t) {}, 1);
        provoke();
        CHECK(variable<std::uint64_t>(object, "sent") == 1);
    }
    provoke_times(2);
    CHECK(variable<std::uint64_t>(object, "refused") == 2);
    CHECK(holdings().mappings.empty());
}

TEST_CASE(
    "ring buffer records of all sizes arrive in order, without the discarded ones, for many times the ring's size",
    "[events]") {
    require_tracepoints();
    LiveGate gate;
    Object object = load_sender(gate, "to_ring_buffer");
    const Link link = attach(gate, object.require_program("to_ring_buffer"));
    std::vector<std::uint64_t> sent;
    std::vector<std::uint64_t> received;
    std::size_t bytes = 0;
    Poller poller(gate);
    const RingBuffer ring(poller, object.require_map("ring"), [&](ByteView sample) {
        const std::uint64_t number = read_at<std::uint64_t>(sample, 0).value();
        if (number % 3 == 0) {
            REQUIRE(sample.size() == sizeof(Numbered));
            CHECK(read_at<Numbered>(sample, 0)->square == number * number);
        } else {
            REQUIRE(sample.size() == 8 + number % 512);
        }
        bytes += sample.size();
        received.push_back(number);
    });

    for (std::uint64_t number = 0; number < 1500; ++number) {
        provoke(static_cast<long>(number));
        if (number % 3 != 1) sent.push_back(number);
        if (number % 6 == 5) poller.wait(0);
    }
    poller.drain();
    CHECK(variable<std::uint64_t>(object, "refused") == 0);
    CHECK(received == sent);
    CHECK(bytes > 20 * object.require_map("ring").max_entries());
}

TEST_CASE("a full ring buffer refuses, what it holds is whole, and it fills again once it is read", "[events]") {
    require_tracepoints();
    LiveGate gate;
    Object object = load_sender(gate, "to_ring_buffer");
    const Link link = attach(gate, object.require_program("to_ring_buffer"));
    std::vector<std::uint64_t> received;
    Poller poller(gate);
    RingBuffer ring(poller, object.require_map("ring"),
                    [&](ByteView sample) { received.push_back(read_at<std::uint64_t>(sample, 0).value()); });

    constexpr int records = 300;  // of 24 bytes and 8 of header: more than 4096
    for (int i = 0; i < records; ++i) provoke(3 * i);
    const auto refused = variable<std::uint64_t>(object, "refused");
    CHECK(refused > 0);
    ring.drain();
    CHECK(received.size() + refused == records);
    for (std::size_t i = 0; i < received.size(); ++i) CHECK(received[i] == 3 * i);
    provoke(3000);
    ring.drain();
    CHECK(received.back() == 3000);
}

TEST_CASE("the poller wakes up for a ring buffer, and for a perf buffer beside it", "[events]") {
    require_tracepoints();
    LiveGate gate;
    Object object = load(gate, for_this_process("kernel_events"));
    const Link to_perf = attach(gate, object.require_program("to_perf_buffer"));
    const Link to_ring = attach(gate, object.require_program("to_ring_buffer"));
    int perf_samples = 0;
    int ring_samples = 0;
    Poller poller(gate);
    const PerfBuffer events(
        poller, object.require_map("events"), [&](int, ByteView) { ++perf_samples; }, [](int, std::uint64_t) {}, 1);
    const RingBuffer ring(poller, object.require_map("ring"), [&](ByteView) { ++ring_samples; });
    poller.wait(0);
    CHECK(perf_samples + ring_samples == 0);
    provoke(3);
    // Perf wakes its readers from an interrupt, which may come a moment later.
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while ((perf_samples == 0 || ring_samples == 0) && std::chrono::steady_clock::now() < deadline) poller.wait(100);
    CHECK(perf_samples == 1);
    CHECK(ring_samples == 1);
}

TEST_CASE("from trace_pipe come the lines of this object's programs, and not those of other programs", "[events]") {
    require_tracepoints();
    LiveGate gate;
    Object foreign = load(gate, for_this_process("kernel_printk_foreign"));
    const Link foreign_link = attach(gate, foreign.require_program("print"));
    provoke_times(2);  // before we look: not ours, and past

    Object ours = load(gate, for_this_process("kernel_printk_ours"));
    const Link link = attach(gate, ours.require_program("print"));
    std::vector<std::string> messages;
    Poller poller(gate);
    const std::unique_ptr<TracePipe> pipe =
        open_trace_pipe(poller, printk_formats(ours.spec()), [&](const TraceLine& line) {
            if (line.pid == getpid()) messages.emplace_back(line.message);
        });
    provoke_times(3);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (messages.size() < 3 && std::chrono::steady_clock::now() < deadline) poller.wait(50);
    poller.drain();
    CHECK(messages == std::vector<std::string>{"minibpf test: hit 1 of us", "minibpf test: hit 2 of us",
                                               "minibpf test: hit 3 of us"});
    CHECK(hits(foreign) == 5);
}

TEST_CASE("without a list of formats all programs' lines come from trace_pipe", "[events]") {
    require_tracepoints();
    LiveGate gate;
    Object foreign = load(gate, for_this_process("kernel_printk_foreign"));
    const Link foreign_link = attach(gate, foreign.require_program("print"));
    std::vector<std::string> messages;
    Poller poller(gate);
    const std::unique_ptr<TracePipe> pipe =
        open_trace_pipe(poller, PrintkFormats{.formats = {}, .complete = false}, [&](const TraceLine& line) {
            if (line.pid == getpid()) messages.emplace_back(line.message);
        });
    provoke();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (messages.empty() && std::chrono::steady_clock::now() < deadline) poller.wait(50);
    CHECK(messages == std::vector<std::string>{"another program: hit 1"});
}
