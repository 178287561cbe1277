// Chapter 3: XDP on an interface, and what the kernel tells of what is loaded.
#include <algorithm>

#include <fmt/format.h>
#include <net/if.h>

#include "cable.hpp"
#include "exercise.hpp"
#include "places.hpp"

namespace checker {

using namespace minibpf;

namespace {

void check_xdp_on_veth(Attempt& attempt, Findings& findings) {
    const Cable cable;
    const ScriptRun run = attempt.run(findings);
    const unsigned near = if_nametoindex("near");
    const ObservedCall* attached = nullptr;
    for (const ObservedCall& call : run.calls) {
        if (call.command == BPF_LINK_CREATE && call.ok() && call.attr.link_create.target_ifindex == near)
            attached = &call;
    }
    findings.require(attached != nullptr, "a program was attached to the interface `near`",
                     fmt::format("bpf(BPF_LINK_CREATE, {{target_ifindex={}, attach_type=BPF_XDP, ...}})", near),
                     "no such call", 1);
    bool saw_packet = false, listed = false;
    for (const std::string& line : lines_of(run.said.out)) {
        saw_packet |= line.find("Hello World") != std::string::npos;
        const std::vector<std::string> words = words_of(line);
        listed |= words.size() > 3 && words[1] == "xdp";
    }
    findings.expect(saw_packet, "it has seen a packet", "a line with \"Hello World\"", "none", 2);
    findings.expect(listed, "the script shows the link while it is there", "a row of type xdp of `loader list links`",
                    "none", 3);
    findings.expect(!run.left_processes && !cable.has_xdp(), "at the end nothing is attached any more",
                    "the interface as it was", run.left_processes ? "a process that still runs" : "an XDP program", 2);
}

void check_inspect(Attempt& attempt, Findings& findings) {
    Object object =
        load(attempt.silent_gate(),
             open_object(attempt.silent_gate(), (build_dir() / "exercises/checker/inspected.bpf.o").string()));
    const ProgramFacts program = program_facts(attempt.silent_gate(), object.require_program("inspect_me").fd());
    const ScriptRun run = attempt.run(findings);
    const Lines lines(run);
    lines.expect(findings, "id", std::to_string(program.id), "the program's number", 1);
    lines.expect(findings, "tag", program.tag, "its tag, a digest of its instructions", 1);
    lines.expect(findings, "xlated", std::to_string(program.xlated_size), "the bytes of its instructions", 2);
    lines.expect(findings, "jited", std::to_string(program.jited_size), "the bytes of machine code made of them", 2);
    lines.expect(findings, "map", std::to_string(program.map_ids.empty() ? 0 : program.map_ids.front()),
                 "the number of its map", 3);
}

void check_tail_calls(Attempt& attempt, Findings& findings) {
    const ScriptRun run = attempt.run(findings);
    int loaded = 0, attached = 0;
    std::vector<std::string> slots;
    for (const ObservedCall& call : run.calls) {
        if (!call.ok()) continue;
        loaded += call.command == BPF_PROG_LOAD && call.attr.prog_type == BPF_PROG_TYPE_RAW_TRACEPOINT;
        attached += call.command == BPF_RAW_TRACEPOINT_OPEN && call.path() == "sys_enter";
        if (call.command == BPF_MAP_UPDATE_ELEM)
            slots.push_back(std::to_string(read_at<std::uint32_t>(call.pointed, 0).value_or(0)));
    }
    findings.require(loaded == 4, "the four programs of the object were loaded", "4", std::to_string(loaded), 1);
    findings.expect(attached == 1, "one of them was attached to sys_enter", "1", std::to_string(attached), 1);
    for (const char* slot : {"59", "222", "226"}) {
        findings.expect(std::find(slots.begin(), slots.end(), slot) != slots.end(),
                        fmt::format("a program was put into slot {} of the table", slot),
                        fmt::format("bpf(BPF_MAP_UPDATE_ELEM) with the key {}", slot), "keys: " + list_text(slots), 2);
    }
    // Which number the program has, by the script's own output.
    const Lines lines(run);
    std::string id;
    for (const std::string& line : lines.all()) {
        const std::vector<std::string> words = words_of(line);
        const bool is_it = words.size() > 3 && words[2] == "hello_exec";
        if (is_it && (id.empty() || !lines.has("slot59=" + id))) id = words[0];
    }
    findings.require(!id.empty(), "the programs are listed", "a row with hello_exec, of `loader list progs`", "none",
                     3);
    lines.expect(findings, "slot59", id, "you say whose number is in slot 59", 4);
}

void check_drop_all(Attempt& attempt, Findings& findings) {
    StudentObject program(attempt);
    program.load(findings, 1);
    const Cable cable;
    findings.require(cable.ping(), "without the program a ping is answered", "an answer", "none", 1);
    const std::string name = program.object().programs().front().name();
    {
        const Link link = program.attach_to(name, "xdp:near");
        findings.expect(true, "attached: " + link.description(), "", "", 1);
        const int before = program.object().variable<int>("counter");
        findings.expect(!cable.ping(), "with it there is no answer", "silence", "an answer: the packet was let through",
                        1);
        const int more = program.object().variable<int>("counter") - before;
        findings.expect(more > 0, "what was dropped was counted", "counter grows", "it has not changed", 2);
    }
    findings.expect(cable.ping(), "once it is detached a ping is answered again", "an answer", "none", 1);
    const auto packet = packet_by_name("udp");
    const TestOutput output = test_run(attempt.silent_gate(), program.object().programs().front().fd(),
                                       BPF_PROG_TYPE_XDP, name, {.data = *packet, .context = {}, .cpu = {}});
    findings.expect(output.retval == XDP_ABORTED, "it returns 0", "0, which is XDP_ABORTED",
                    fmt::format("{}, {}", output.retval, return_value_name(BPF_PROG_TYPE_XDP, output.retval)), 1);
}

constexpr Exercise exercises3[] = {
    {"chapter3/xdp-on-veth", "answer.sh", "attach an XDP program to an interface, look, and detach it",
     check_xdp_on_veth},
    {"chapter3/inspect", "answer.sh", "find out what the kernel knows of a loaded program", check_inspect},
    {"chapter3/tail-calls", "answer.sh", "look at each program of the tail-call example", check_tail_calls},
    {"chapter3/drop-all", "drop_all.bpf.c", "an XDP program that returns 0 drops everything", check_drop_all},
};

}  // namespace

std::span<const Exercise> chapter3_exercises() {
    return exercises3;
}

}  // namespace checker
