// Programs on the kernel's counters: they run while the event is open, for one process or on every CPU.
#include <chrono>
#include <vector>

#include <fmt/format.h>
#include <sys/mman.h>

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
