// Uprobes against a kernel that is a test's own: which file is opened, what the kernel is told, what is left
// afterwards.
#include <cstdlib>
#include <map>

#include <linux/perf_event.h>

#include <tests/catch.hpp>
#include <tests/error_of.hpp>
#include <tests/fake_gate.hpp>
#include <tests/unit/attach/probe_lines.hpp>

#include <libminibpf/attach/attach.hpp>
#include <libminibpf/base/error.hpp>
#include <libminibpf/narrate/failing_gate.hpp>

using namespace minibpf;
using minibpf::test::contains;
using minibpf::test::error_of;
using minibpf::test::FakeGate;

namespace {

constexpr const char* uprobe_type = "/sys/bus/event_source/devices/uprobe/type";

// A kernel with a file to probe, a tracefs and, if wanted, a uprobe PMU.
FakeGate& with_file(FakeGate& gate, bool pmu = true) {
    gate.files["/opt/tool"] = "its contents do not matter where an offset is given";
    gate.files["/sys/kernel/tracing/available_events"] = "";
    if (pmu) gate.files[uprobe_type] = "9\n";
    gate.on<OpenAt>([&gate](const OpenAt& call) -> std::optional<Answer> {
        const bool is_there = gate.files.contains(call.path) || call.path.ends_with("uprobe_events") ||
                              call.path.find("/events/minibpf/u_tool_") != std::string::npos;
        if (!is_there) return FakeGate::failure(ENOENT);
        return std::nullopt;
    });
    return gate;
}

Program uprobe_program(KernelGate& gate, const char* section = "uprobe") {
    static std::map<std::string, ProgramSpec> specs;
    ProgramSpec& spec = specs[section];
    spec.name = "hello";
    spec.kind = parse_section_name(section);
    return Program(spec, Fd(gate, gate.enter(ProgLoad{}).fd()));
}

}  // namespace

TEST_CASE("a uprobe is a perf event of the uprobe PMU with the file's path and the offset", "[attach][uprobe]") {
    FakeGate gate;
    with_file(gate);
    const Program hello = uprobe_program(gate);
    const Link link = attach(gate, hello, parse_hook("uprobe:/opt/tool:0x1230+4"));
    const PerfEventOpen& open = *gate.calls<PerfEventOpen>()[0];
    CHECK(open.type == 9);
    CHECK(open.config == 0);
    CHECK(open.kprobe_func == "/opt/tool");
    CHECK(open.probe_offset == 0x1234);
    CHECK(open.pid == -1);
    CHECK(open.cpu == 0);
    const Link at_return = attach(gate, hello, parse_hook("uretprobe:/opt/tool:0x1234"), {.pid = 17});
    const PerfEventOpen& second = *gate.calls<PerfEventOpen>()[1];
    CHECK(second.config == 1);
    CHECK(second.pid == 17);
    CHECK(second.cpu == -1);
}

TEST_CASE("without a uprobe PMU a uprobe is a line in uprobe_events, and its removal another", "[attach][uprobe]") {
    FakeGate gate;
    with_file(gate, false);
    std::vector<std::string> lines;
    test::keep_probe_lines(gate, lines);
    const Program hello = uprobe_program(gate);
    {
        const Link link = attach(gate, hello, parse_hook("uretprobe:/opt/tool:0x1234"));
        REQUIRE(lines.size() == 1);
        CHECK_THAT(lines[0], contains("r:minibpf/u_tool_1234_4711_") && contains(" /opt/tool:0x1234"));
        CHECK(gate.calls<PerfEventOpen>()[0]->type == PERF_TYPE_TRACEPOINT);
    }
    REQUIRE(lines.size() == 2);
    CHECK(lines[1] == "-:" + lines[0].substr(2, lines[0].find(' ') - 2));
    CHECK(gate.open_fds() == std::vector<int>{hello.fd()});
}

TEST_CASE("a path that would be two words in uprobe_events is refused", "[attach][uprobe]") {
    FakeGate gate;
    with_file(gate, false);
    gate.files["/opt/a tool"] = "";
    const Program hello = uprobe_program(gate);
    const Error error = error_of([&] { attach(gate, hello, parse_hook("uprobe:/opt/a tool:16")); });
    CHECK(error.detail().blame == Blame::usage);
    CHECK(gate.count<Write>() == 0);
    CHECK(gate.open_fds() == std::vector<int>{hello.fd()});
}

TEST_CASE("a kernel without any uprobes is a missing facility, and a way round is named", "[attach][uprobe]") {
    FakeGate gate;
    with_file(gate, false);
    gate.on<OpenAt>([](const OpenAt& call) -> std::optional<Answer> {
        if (call.path.ends_with("uprobe_events")) return FakeGate::failure(ENOENT);
        return std::nullopt;
    });
    const Program hello = uprobe_program(gate);
    for (const KprobeBy by : {KprobeBy::whichever, KprobeBy::pmu, KprobeBy::tracefs}) {
        const Error error =
            error_of([&] { attach(gate, hello, parse_hook("uprobe:/opt/tool:16"), {.kprobe_by = by}); });
        CHECK(error.detail().blame == Blame::facility);
        CHECK_THAT(error.detail().hint, contains("CONFIG_UPROBE_EVENTS"));
    }
    CHECK(gate.open_fds() == std::vector<int>{hello.fd()});
}

TEST_CASE("a program's name is looked for in $PATH, a library's where LD_LIBRARY_PATH says first", "[attach][uprobe]") {
    FakeGate gate;
    with_file(gate);
    gate.files["/opt/libours.so.1"] = "";
    const std::string path_before = std::getenv("PATH") != nullptr ? std::getenv("PATH") : "";
    setenv("PATH", "/nowhere::/opt", 1);
    setenv("LD_LIBRARY_PATH", "/opt", 1);
    const Program hello = uprobe_program(gate);
    { const Link program = attach(gate, hello, parse_hook("uprobe:tool:16")); }
    { const Link library = attach(gate, hello, parse_hook("uprobe:libours.so.1:16")); }
    setenv("PATH", path_before.c_str(), 1);
    unsetenv("LD_LIBRARY_PATH");
    CHECK(gate.calls<PerfEventOpen>()[0]->kprobe_func == "/opt/tool");
    CHECK(gate.calls<PerfEventOpen>()[1]->kprobe_func == "/opt/libours.so.1");
    const Error error = error_of([&] { attach(gate, hello, parse_hook("uprobe:no_such_tool:16")); });
    CHECK(error.detail().blame == Blame::object);
    CHECK_THAT(error.detail().hint, contains("$PATH"));
}

TEST_CASE("a refused uprobe.multi is a missing facility that is named", "[attach][uprobe]") {
    FakeGate gate;
    with_file(gate);
    gate.fail<LinkCreate>(EINVAL);
    const Program hello = uprobe_program(gate, "uprobe.multi");
    const Error error = error_of([&] { attach(gate, hello, parse_hook("uprobe.multi:/opt/tool:16")); });
    CHECK(error.detail().blame == Blame::facility);
    CHECK_THAT(error.detail().hint, contains("Linux 6.6"));
    const UprobeMultiLink& details = std::get<UprobeMultiLink>(gate.calls<LinkCreate>()[0]->details);
    CHECK(details.path == "/opt/tool");
    CHECK(details.offsets == std::vector<std::uint64_t>{16});
    CHECK(gate.open_fds() == std::vector<int>{hello.fd()});
}

TEST_CASE("when any system call of a uprobe fails, only the program stays open and no probe is left",
          "[attach][uprobe][fault]") {
    for (const bool pmu : {true, false}) {
        for (const AttachBy by : {AttachBy::older, AttachBy::link}) {
            for (int nth = 0;; ++nth) {
                INFO((pmu ? "with" : "without") << " PMU, call " << nth);
                REQUIRE(nth < 100);
                FakeGate gate;
                with_file(gate, pmu);
                int probes = 0;
                gate.on<Write>([&](const Write& call) -> std::optional<Answer> {
                    const std::string line(reinterpret_cast<const char*>(call.data.data()), call.data.size());
                    const std::string event = line.substr(2, line.find(' ') - 2);
                    gate.files["/sys/kernel/tracing/events/" + event + "/id"] = "1500\n";
                    probes += line.starts_with('-') ? -1 : 1;
                    return std::nullopt;
                });
                const Program hello = uprobe_program(gate);
                FailingGate failing(gate, nth, EINVAL);
                try {
                    const Link link = attach(failing, hello, parse_hook("uprobe:/opt/tool:16"), {.by = by});
                } catch (const Error&) {
                }
                CHECK(gate.open_fds() == std::vector<int>{hello.fd()});
                CHECK(probes == 0);
                if (!failing.has_failed()) break;
            }
        }
    }
}
