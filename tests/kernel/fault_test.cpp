// The fault sweep on the running kernel: load, attach and events with the first call failing, then the second, and so
// on. Whatever fails, an Error says what, and the process holds no more than before: no descriptor, no mapping, no
// probe.
#include <array>
#include <functional>
#include <memory>
#include <vector>

#include <libminibpf/attach/attach.hpp>
#include <libminibpf/events/perf_buffer.hpp>
#include <libminibpf/events/ring_buffer.hpp>
#include <libminibpf/events/trace_pipe.hpp>
#include <libminibpf/narrate/failing_gate.hpp>
#include <tests/kernel/live.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

void ignore_lost(int, std::uint64_t) {}

// From the file to the first events, as `loader run` does it. Gives the number of events.
int run_object(KernelGate& gate, const ObjectSpec& spec, const AttachOptions& options) {
    Object object = load(gate, spec);
    std::vector<Link> links;
    for (Program& program : object.programs()) links.push_back(attach(gate, program, options));
    int events = 0;
    Poller poller(gate);
    std::vector<std::unique_ptr<PerfBuffer>> perf_buffers;
    std::vector<std::unique_ptr<RingBuffer>> ring_buffers;
    for (Map& map : object.maps()) {
        if (map.spec().type == BPF_MAP_TYPE_PERF_EVENT_ARRAY) {
            perf_buffers.push_back(std::make_unique<PerfBuffer>(
                poller, map, [&](int, ByteView) { ++events; }, ignore_lost, 2));
        }
        if (map.spec().type == BPF_MAP_TYPE_RINGBUF) {
            ring_buffers.push_back(std::make_unique<RingBuffer>(poller, map, [&](ByteView) { ++events; }));
        }
    }
    provoke();
    provoke_execve();
    poller.wait(0);
    poller.drain();
    return events;
}

// How many calls it takes when none fails.
int sweep(const std::function<void(KernelGate&)>& work, std::initializer_list<int> errors) {
    LiveGate live;
    int calls = 0;
    for (const int error : errors) {
        int thrown = 0;
        bool done = false;
        for (int nth = 0; !done; ++nth) {
            INFO("call " << nth << " fails with " << errno_name(error));
            REQUIRE(nth < 200);
            const Holdings before = holdings();
            FailingGate gate(live, nth, error);
            try {
                work(gate);
            } catch (const Error& caught) {
                INFO(caught.what());
                CHECK(gate.has_failed());
                CHECK_FALSE(caught.detail().doing.empty());
                ++thrown;
            }
            CHECK(holdings() == before);
            done = !gate.has_failed();
            if (done) calls = gate.calls();
        }
        CHECK(thrown > 0);
    }
    return calls;
}

}  // namespace

TEST_CASE("when any call fails, hello leaves nothing open", "[load][attach][events][fault]") {
    require_tracepoints();
    const ObjectSpec spec = object_spec("progs/hello.bpf.o");
    for (const AttachBy by : {AttachBy::older, AttachBy::link}) {
        const int calls = sweep([&](KernelGate& gate) { run_object(gate, spec, {.by = by}); },
                                {EPERM, EINVAL, ENOMEM, EAGAIN, ECANCELED});
        CHECK(calls >= 10);
    }
}

TEST_CASE("when any call fails, the raw tracepoint of chapter 4 leaves nothing open", "[load][attach][events][fault]") {
    require_bpf();
    const ObjectSpec spec = object_spec("progs/chapter4/hello_buffer_config_raw_tp.bpf.o");
    int events = 0;
    const int calls = sweep([&](KernelGate& gate) { events = run_object(gate, spec, {}); }, {EPERM, EINVAL, ENOSPC});
    CHECK(calls >= 12);
    CHECK(events >= 1);  // of the last run, in which nothing failed
}

TEST_CASE("when any call fails, the kprobe of chapter 4 leaves nothing open, and no probe",
          "[load][attach][events][fault][kprobe]") {
    require_kprobe_pmu();
    const ObjectSpec spec = object_spec("progs/chapter4/hello_buffer_config.bpf.o");
    for (const KprobeBy by : {KprobeBy::whichever, KprobeBy::tracefs}) {
        int events = 0;
        const int calls =
            sweep([&](KernelGate& gate) { events = run_object(gate, spec, {.kprobe_by = by}); }, {EPERM, ENOENT});
        CHECK(calls >= 15);
        CHECK(events >= 1);
    }
    const AttachOptions by_link{.by = AttachBy::link, .kprobe_by = KprobeBy::tracefs};
    sweep([&](KernelGate& gate) { run_object(gate, spec, by_link); }, {EINVAL});
}

TEST_CASE("when any call fails, a ring buffer and a perf buffer leave nothing open", "[load][attach][events][fault]") {
    require_tracepoints();
    const ObjectSpec spec = for_this_process("kernel_events");
    int events = 0;
    const int calls = sweep([&](KernelGate& gate) { events = run_object(gate, spec, {}); }, {EPERM, ENOMEM});
    CHECK(calls >= 20);
    CHECK(events == 2);
}

TEST_CASE("when any call fails, reading trace_pipe leaves nothing open", "[events][fault]") {
    require_tracepoints();
    const int calls = sweep(
        [&](KernelGate& gate) {
            Poller poller(gate);
            TracePipe pipe(poller, {}, [](const TraceLine&) {});
            poller.drain();
        },
        {EPERM, EBUSY, EINVAL});
    CHECK(calls >= 3);
}
