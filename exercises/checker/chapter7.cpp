// Chapter 7: types of programs.
#include <algorithm>

#include <fmt/format.h>

#include <fcntl.h>

#include "exercise.hpp"
#include "places.hpp"

namespace checker {

using namespace minibpf;

namespace {

constexpr const char* hello_object = "progs/chapter7/hello.bpf.o";

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
    return text;
}

void check_which_prog_load(Attempt& attempt, Findings& findings) {
    const ObjectSpec object = open_object(attempt.silent_gate(), (build_dir() / hello_object).string());
    const ScriptRun run = attempt.run(findings);
    const Lines lines(run);
    for (const ProgramSpec& program : object.programs) {
        const std::string wanted =
            fmt::format("{} BPF_PROG_TYPE_{}", program.name, upper(program_type_name(program.kind.type)));
        findings.expect(lines.has(wanted), fmt::format("the type with which {} is loaded", program.name),
                        "the line " + wanted, list_text(lines.beginning(program.name + " ")), 1);
    }
    findings.expect(std::none_of(run.calls.begin(), run.calls.end(),
                                 [](const ObservedCall& call) { return call.command == BPF_PROG_LOAD; }),
                    "nothing was loaded for it", "no BPF_PROG_LOAD", "one", 2);
}

void check_one_of_many(Attempt& attempt, Findings& findings) {
    const ScriptRun run = attempt.run(findings);
    std::vector<std::string> loaded;
    bool attached = false;
    for (const ObservedCall& call : run.calls) {
        if (call.command == BPF_PROG_LOAD && call.ok()) loaded.push_back(call.name());
        attached |= call.command == BPF_RAW_TRACEPOINT_OPEN && call.ok() && call.path() == "sched_process_exec";
    }
    findings.expect(loaded == std::vector<std::string>{"raw_tp_exec"}, "raw_tp_exec was loaded, and nothing else",
                    "one BPF_PROG_LOAD, of raw_tp_exec", list_text(loaded), 1);
    findings.expect(attached, "it was attached to the raw tracepoint sched_process_exec",
                    "bpf(BPF_RAW_TRACEPOINT_OPEN, {raw_tracepoint={name=\"sched_process_exec\", ...", "no such call",
                    1);
    bool event = false;
    for (const std::string& line : lines_of(run.said.out))
        event |= line.find("raw_tp") != std::string::npos && line.find(".hook") != std::string::npos;
    findings.expect(event, "an event of it is shown", "a line `output: {..., .hook = \"raw_tp\", ...}`", "none", 2);
}

void check_another_function(Attempt& attempt, Findings& findings) {
    StudentObject program(attempt);
    PrintedLines lines(attempt.silent_gate());
    program.load(findings, 1);
    program.attach(findings, 1);  // where there are no kprobes, the error says so
    const int deletes = in_child([] { unlinkat(AT_FDCWD, "/no such file", 0); });
    wait_until([&] { return !lines.of(deletes).empty(); }, 1000);
    const std::vector<std::string> messages = lines.of(deletes);
    findings.expect(!messages.empty(), fmt::format("process {} deletes a file, and there is a line", deletes), "a line",
                    list_text(messages), 1);
    bool has_name = false;
    for (const std::string& message : messages) has_name |= message.find("/no such file") != std::string::npos;
    findings.expect(has_name, "it has the file's name", "a line with \"/no such file\"", list_text(messages), 2);
}

void check_process_end(Attempt& attempt, Findings& findings) {
    StudentObject program(attempt);
    PrintedLines lines(attempt.silent_gate());
    program.load(findings, 1);
    program.attach(findings, 1);
    const std::string wanted = attempt.called("BPF_RAW_TRACEPOINT_OPEN") ? "sched_process_exit" : "";
    const ProgramSpec& spec = program.object().programs().front().spec();
    findings.expect(
        spec.kind.hook.kind == HookKind::tp_btf && spec.kind.hook.target == "sched_process_exit" && !wanted.empty(),
        "it is a tp_btf program at sched_process_exit", "SEC(\"tp_btf/sched_process_exit\")", spec.section, 1);
    const auto line_of = [&](int status) {
        const int pid = in_child([&] { _exit(status); });
        wait_until([&] { return !lines.of(pid).empty(); }, 1000);
        return lines.of(pid);
    };
    for (const int status : {0, 42}) {
        const std::vector<std::string> messages = line_of(status);
        const std::string text = fmt::format("ends with {}", status);
        bool said = false;
        for (const std::string& message : messages) said |= message.ends_with(text);
        findings.expect(said, fmt::format("a process exits with status {}, and its line says so", status),
                        fmt::format("a line that ends in \"{}\"", text), list_text(messages), messages.empty() ? 1 : 2);
    }
}

constexpr Exercise exercises7[] = {
    {"chapter7/which-prog-load", "answer.sh", "which BPF_PROG_LOAD belongs to which program", check_which_prog_load},
    {"chapter7/one-of-many", "answer.sh", "load one program of an object that has six", check_one_of_many},
    {"chapter7/another-function", "another_function.bpf.c", "a kprobe on another function (needs kprobes)",
     check_another_function},
    {"chapter7/process-end", "process_end.bpf.c", "a typed tracepoint: how processes end", check_process_end},
};

}  // namespace

std::span<const Exercise> chapter7_exercises() {
    return exercises7;
}

}  // namespace checker
