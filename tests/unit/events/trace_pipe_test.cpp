#include <tests/catch.hpp>
#include <tests/fake_gate.hpp>

#include <libminibpf/base/error.hpp>
#include <libminibpf/events/trace_pipe.hpp>

using namespace minibpf;
using minibpf::test::FakeGate;

TEST_CASE("a line of trace_pipe has a task, a pid and a message", "[events]") {
    const auto line =
        parse_trace_line("           <...>-812     [001] ...21  1234.567890: bpf_trace_printk: Hello World!");
    REQUIRE(line.has_value());
    CHECK(line->task == "<...>");
    CHECK(line->pid == 812);
    CHECK(line->message == "Hello World!");
    CHECK(line->whole.front() == '<');
}

TEST_CASE("a task's name may hold dashes and blanks", "[events]") {
    const auto line = parse_trace_line("  Web Content-2-99   [000] d..31 1.0: bpf_trace_printk: x");
    REQUIRE(line.has_value());
    CHECK(line->task == "Web Content-2");
    CHECK(line->pid == 99);
}

TEST_CASE("lines of other tracers are not BPF programs'", "[events]") {
    CHECK_FALSE(parse_trace_line("  bash-1 [000] d..31 1.0: sched_switch: prev_comm=bash").has_value());
    CHECK_FALSE(parse_trace_line("").has_value());
    CHECK_FALSE(parse_trace_line("CPU:1 [LOST 17 EVENTS]").has_value());
}

TEST_CASE("a format matches what it can have printed", "[object]") {
    CHECK(matches_format("Hello World!", "Hello World!"));
    CHECK(matches_format("Hello World!", "Hello World!\n"));
    CHECK(matches_format("Syscall: 59", "Syscall: %d"));
    CHECK(matches_format("a=1 b=0x2 c=bash!", "a=%d b=%lx c=%s!"));
    CHECK(matches_format("100% of 3", "100%% of %llu"));
    CHECK(matches_format("from 127.0.0.1 to ::1", "from %pI4 to %pI6"));
    CHECK(matches_format("anything", "%s"));
    CHECK_FALSE(matches_format("Hello World", "Hello World!"));
    CHECK_FALSE(matches_format("Hello World!!", "Hello World!"));
    CHECK_FALSE(matches_format("Syscall 59", "Syscall: %d"));
    CHECK_FALSE(matches_format("a=1 c=2", "a=%d b=%d"));
}

namespace {

constexpr const char* pipe_path = "/sys/kernel/tracing/trace_pipe";

// Gives each read of trace_pipe the next chunk, and EAGAIN when there is none.
struct PipeFixture {
    PipeFixture() {
        gate.files[pipe_path] = "";
        gate.on<Read>([this](const Read& call) -> std::optional<Answer> {
            if (chunks.empty()) return FakeGate::failure(EAGAIN);
            const std::string chunk = chunks.front();
            chunks.erase(chunks.begin());
            std::memcpy(call.buffer.data(), chunk.data(), chunk.size());
            return Answer{.value = static_cast<long>(chunk.size())};
        });
    }
    FakeGate gate;
    std::vector<std::string> chunks;
    std::vector<std::string> messages;
};

}  // namespace

TEST_CASE("what stood in trace_pipe before is dropped, what comes is handed out once its line is whole", "[events]") {
    PipeFixture fixture;
    fixture.chunks = {" old-1 [000] d 1.0: bpf_trace_printk: Hello\n"};
    Poller poller(fixture.gate);
    TracePipe pipe(poller, {.formats = {"Hello"}},
                   [&](const TraceLine& line) { fixture.messages.emplace_back(line.message); });
    fixture.chunks = {" new-2 [000] d 2.0: bpf_trace_printk: Hel",
                      "lo\n new-2 [000] d 2.0: bpf_trace_printk: other program\n"};
    pipe.drain();
    CHECK(fixture.messages.empty());  // a short read was the last for now
    pipe.drain();
    CHECK(fixture.messages == std::vector<std::string>{"Hello"});
}

TEST_CASE("a message of several lines comes line by line, and other tracers' lines do not", "[events]") {
    PipeFixture fixture;
    Poller poller(fixture.gate);
    TracePipe pipe(poller, {.formats = {"one\ntwo %d\n"}},
                   [&](const TraceLine& line) { fixture.messages.emplace_back(line.message); });
    fixture.chunks = {
        " a-2 [000] d..2 2.0: bpf_trace_printk: one\ntwo 2\n a-2 [000] d..2 2.1: sched_switch: x\nstray\n"};
    pipe.drain();
    CHECK(fixture.messages == std::vector<std::string>{"one", "two 2"});
}

TEST_CASE("the kernel's notice that lines were lost is handed out", "[events]") {
    PipeFixture fixture;
    Poller poller(fixture.gate);
    TracePipe pipe(poller, {.formats = {"x"}},
                   [&](const TraceLine& line) { fixture.messages.emplace_back(line.whole); });
    fixture.chunks = {"CPU:1 [LOST 17 EVENTS]\n"};
    pipe.drain();
    CHECK(fixture.messages == std::vector<std::string>{"CPU:1 [LOST 17 EVENTS]"});
}

TEST_CASE("all lines are handed out when the object's formats are not known", "[events]") {
    PipeFixture fixture;
    Poller poller(fixture.gate);
    TracePipe pipe(poller, {.formats = {}, .complete = false},
                   [&](const TraceLine& line) { fixture.messages.emplace_back(line.message); });
    fixture.chunks = {" a-2 [000] d 2.0: bpf_trace_printk: whatever\n"};
    pipe.drain();
    CHECK(fixture.messages == std::vector<std::string>{"whatever"});
}

TEST_CASE("a trace_pipe that another process reads is an error that says so", "[events]") {
    FakeGate gate;
    gate.fail<OpenAt>(EBUSY);
    Poller poller(gate);
    try {
        TracePipe pipe(poller, {}, [](const TraceLine&) {});
        FAIL("did not throw");
    } catch (const Error& error) {
        CHECK_THAT(error.detail().hint, test::contains("another process"));
    }
}
