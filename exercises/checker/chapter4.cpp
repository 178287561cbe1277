// Chapter 4: the calls of bpf(2), and how long what they make lives.
#include <algorithm>
#include <fstream>
#include <regex>
#include <set>

#include <fmt/format.h>

#include "exercise.hpp"
#include "places.hpp"

namespace checker {

using namespace minibpf;

namespace {

ObjectSpec built(KernelGate& gate, const char* object) {
    return open_object(gate, (build_dir() / object).string());
}

std::size_t count_calls(const ScriptRun& run, std::uint32_t command) {
    return static_cast<std::size_t>(std::count_if(run.calls.begin(), run.calls.end(), [&](const ObservedCall& call) {
        return call.command == command && call.ok();
    }));
}

// 1 ------------------------------------------------------------------------------------------------------------------

struct InsnCounts {
    std::uint32_t loaded = 0, translated = 0;
};

InsnCounts insn_counts(Attempt& attempt, const char* file) {
    std::vector<std::string> calls;
    NarratingGate gate(attempt.silent_gate(), [&](std::string_view line) { calls.emplace_back(line); },
                       {.reasons = false});
    const Object object = load(gate, built(gate, file));
    InsnCounts counts;
    for (const std::string& call : calls) {
        std::smatch found;
        if (std::regex_search(call, found, std::regex("insn_cnt=([0-9]+)")))
            counts.loaded = static_cast<std::uint32_t>(std::stoul(found[1]));
    }
    counts.translated = program_facts(gate, object.programs().front().fd()).xlated_size / sizeof(bpf_insn);
    return counts;
}

// Whether a program of this name was loaded with so many instructions, and the kernel then asked about a program:
// by the descriptor that its load answered, or one that its number did.
bool was_loaded_and_asked_about(const ScriptRun& run, const std::string& name, std::uint32_t insn_cnt) {
    bool is_loaded = false;
    std::set<std::pair<int, long>> programs;  // of which process, and which descriptor
    for (const ObservedCall& call : run.calls) {
        if (!call.ok()) continue;
        const bool is_load = call.command == BPF_PROG_LOAD;
        if (is_load || call.command == BPF_PROG_GET_FD_BY_ID) programs.emplace(call.pid, call.result);
        if (is_load) is_loaded = call.name() == name && call.attr.insn_cnt == insn_cnt;
        if (is_loaded && call.command == BPF_OBJ_GET_INFO_BY_FD &&
            programs.count({call.pid, static_cast<long>(call.attr.info.bpf_fd)}) != 0)
            return true;
    }
    return false;
}

void check_insn_count(Attempt& attempt, Findings& findings) {
    const InsnCounts func = insn_counts(attempt, "progs/chapter3/hello_func.bpf.o");
    const InsnCounts config = insn_counts(attempt, "progs/chapter4/hello_buffer_config_raw_tp.bpf.o");
    const ScriptRun run = attempt.run(findings);
    const Lines lines(run);
    lines.expect(findings, "hello_func.loaded", std::to_string(func.loaded), "insn_cnt when hello_func was loaded", 1);
    lines.expect(findings, "hello_func.translated", std::to_string(func.translated),
                 "the instructions of hello_func after the verifier", 2);
    lines.expect(findings, "config.loaded", std::to_string(config.loaded),
                 "insn_cnt when hello_buffer_config_raw_tp was loaded", 1);
    lines.expect(findings, "config.translated", std::to_string(config.translated),
                 "the instructions of it after the verifier", 2);
    const std::string same = func.loaded == func.translated && config.loaded == config.translated ? "both"
                             : func.loaded == func.translated                                     ? "hello_func"
                             : config.loaded == config.translated                                 ? "config"
                                                                                                  : "none";
    lines.expect(findings, "same", same, "you say for which program the numbers agree on this kernel", 3);
    const auto expect_asked = [&](const std::string& program, std::uint32_t insn_cnt) {
        findings.expect(was_loaded_and_asked_about(run, program, insn_cnt),
                        fmt::format("{} was loaded, and the kernel asked what it made of it", program),
                        "BPF_PROG_LOAD, and BPF_OBJ_GET_INFO_BY_FD of a program before the next", "no such calls", 2);
    };
    expect_asked("hello_func", func.loaded);
    expect_asked("hello", config.loaded);
}

// 2 ------------------------------------------------------------------------------------------------------------------

constexpr const char* config_object = "progs/chapter4/hello_buffer_config_raw_tp.bpf.o";

// A process that has loaded the object with its map config; text() is the map's id.
struct ConfigHolder : Holder {
    ConfigHolder()
        : Holder([](const auto& hold) {
              LiveGate gate;
              Object object = load(gate, built(gate, config_object));
              hold(std::to_string(map_facts(gate, object.require_map("config").fd()).id));
          }) {}
};

std::string message_for(KernelGate& gate, const std::string& map_id, std::uint32_t uid) {
    const LoadedMap map(gate, open_loaded(gate, IdKind::map, map_id));
    const auto value = map.map().lookup(bytes_of(uid));
    return value ? map.map().value_text(*value) : "nothing";
}

void check_two_configs(Attempt& attempt, Findings& findings) {
    const ConfigHolder first, yours, third;
    findings.note(fmt::format("maps named config: {}, {} and {}; yours is held by process {}", first.text(),
                              yours.text(), third.text(), yours.pid()));
    const ScriptRun run = attempt.run(findings, {{"YOURS", std::to_string(yours.pid())}});
    const Lines lines(run);
    lines.expect(findings, "id", yours.text(), "the number of your config", 1);
    const std::string message = message_for(attempt.silent_gate(), yours.text(), 1000);
    findings.expect(message.find("mine") != std::string::npos, "your config has the message for user 1000", "\"mine\"",
                    message, 2);
    const std::string others = message_for(attempt.silent_gate(), first.text(), 1000) + ", " +
                               message_for(attempt.silent_gate(), third.text(), 1000);
    findings.expect(others == "nothing, nothing", "the others have none", "nothing, nothing", others, 1);
}

// 3 ------------------------------------------------------------------------------------------------------------------

void check_change_config(Attempt& attempt, Findings& findings) {
    Object object = load(attempt.silent_gate(), built(attempt.silent_gate(), config_object));
    std::vector<std::pair<int, std::string>> events;  // pid, message
    Poller poller(attempt.silent_gate());
    PerfBuffer buffer(
        poller, object.require_map("output"),
        [&](int, ByteView sample) {
            struct {
                int pid, uid;
                char command[16], message[12];
            } data;
            std::memcpy(&data, sample.data(), std::min(sizeof data, sample.size()));
            events.emplace_back(data.pid, std::string(data.message, strnlen(data.message, sizeof data.message)));
        },
        [](int, std::uint64_t) {});
    const Link link = attach(attempt.silent_gate(), object.require_program("hello"));
    const auto message_of_exec = [&]() -> std::string {
        const int pid = execute_true();
        std::string message;
        wait_until([&] {
            buffer.drain();
            for (const auto& [whose, text] : events) {
                if (whose == pid) message = text;
            }
            return !message.empty();
        });
        return message;
    };
    findings.note("before your script: a process of root gets \"" + message_of_exec() + "\"");
    const std::string id = std::to_string(map_facts(attempt.silent_gate(), object.require_map("config").fd()).id);
    const ScriptRun run = attempt.run(findings, {{"CONFIG", id}}, [&] { buffer.drain(); });
    findings.expect(count_calls(run, BPF_MAP_UPDATE_ELEM) > 0, "an element of a map was set",
                    "a call BPF_MAP_UPDATE_ELEM that succeeds", "none", 1);
    const std::string message = message_of_exec();
    findings.expect(message == "Good day", "the running program gives root another message", "\"Good day\"",
                    "\"" + message + "\"", 2);
    findings.expect(count_calls(run, BPF_PROG_LOAD) == 0, "nothing was loaded anew", "no BPF_PROG_LOAD",
                    std::to_string(count_calls(run, BPF_PROG_LOAD)), 1);
}

// 4, 7 ---------------------------------------------------------------------------------------------------------------

// Takes the pins away, however the check ends.
struct PinsOf {
    Attempt& attempt;
    const ScriptRun& run;
    ~PinsOf() { remove_pins(attempt.silent_gate(), run.calls); }
};

std::string pinned_path(const ScriptRun& run) {
    for (const ObservedCall& call : run.calls) {
        if (call.command == BPF_OBJ_PIN && call.ok()) return call.path();
    }
    return {};
}

Fd require_pin(Attempt& attempt, Findings& findings, const ScriptRun& run, IdKind kind) {
    const std::string what(id_kind_name(kind)), path = pinned_path(run);
    findings.require(!path.empty(), fmt::format("a {} was pinned", what), "a call BPF_OBJ_PIN that succeeds", "none",
                     1);
    try {
        Fd pin = open_pin(attempt.silent_gate(), kind, path);
        findings.expect(true, fmt::format("{} is the pin of a {}", path, what), "", "", 1);
        return pin;
    } catch (const Error& error) {
        findings.require(false, fmt::format("{} is the pin of a {}", path, what), "it is there", error.what(), 2);
    }
    return {};
}

void expect_no_process_left(Attempt& attempt, Findings& findings, const ScriptRun& run, LoadedId what) {
    findings.expect(!run.left_processes, "your loader has ended", "no process of the script is left", "one still ran",
                    2);
    std::vector<std::string> who;
    const auto all = holders(attempt.silent_gate());
    const auto found = all.find(what);
    for (const minibpf::Holder& holder : found == all.end() ? std::vector<minibpf::Holder>() : found->second) {
        if (holder.pid != getpid()) who.push_back(holder.command);
    }
    findings.expect(who.empty(), fmt::format("no process holds {} {} any more", id_kind_name(what.first), what.second),
                    "nobody", list_text(who), 2);
}

void check_pin_program(Attempt& attempt, Findings& findings) {
    const ScriptRun run = attempt.run(findings);
    const PinsOf pins{attempt, run};
    const Fd program = require_pin(attempt, findings, run, IdKind::prog);
    const ProgramFacts facts = program_facts(attempt.silent_gate(), program.get());
    findings.expect(facts.name == "hello", "it is the program hello", "hello", facts.name, 1);
    expect_no_process_left(attempt, findings, run, {IdKind::prog, facts.id});
    findings.expect(facts.map_ids.size() == 2, "its maps are still there, for it holds them", "2",
                    std::to_string(facts.map_ids.size()), 1);
}

void check_pin_link(Attempt& attempt, Findings& findings) {
    const ScriptRun run = attempt.run(findings);
    const PinsOf pins{attempt, run};
    std::uint32_t program_id = 0;
    {
        const Fd link = require_pin(attempt, findings, run, IdKind::link);
        const LinkFacts facts = link_facts(attempt.silent_gate(), link.get());
        expect_no_process_left(attempt, findings, run, {IdKind::link, facts.id});
        program_id = facts.prog_id;
    }
    const Fd program = open_by_id(attempt.silent_gate(), IdKind::prog, program_id);
    const ProgramFacts facts = program_facts(attempt.silent_gate(), program.get());
    findings.require(facts.name == "hello" && facts.map_ids.size() == 1, "it runs hello of hello_map.bpf.o",
                     "hello, with one map", fmt::format("{}, with {}", facts.name, facts.map_ids.size()), 1);
    const auto total = [&] {
        const LoadedMap map(attempt.silent_gate(),
                            open_by_id(attempt.silent_gate(), IdKind::map, facts.map_ids.front()));
        const std::uint64_t root = 0;
        const auto value = map.map().lookup(bytes_of(root));
        return value ? read_at<std::uint64_t>(*value, 0).value_or(0) : 0;
    };
    const std::uint64_t before = total();
    for (int i = 0; i < 3; ++i) execute_true();
    findings.expect(total() > before, "the program still counts, though no process is behind it",
                    "more than " + std::to_string(before), std::to_string(total()), 2);
}

// 5 ------------------------------------------------------------------------------------------------------------------

void check_raw_tracepoint(Attempt& attempt, Findings& findings) {
    // By the command, for the numbers of descriptors are those of a process that begins.
    const TemporaryDirectory directory;
    const std::filesystem::path script = directory.path() / "run.sh", trace = directory.path() / "trace";
    std::ofstream(script) << fmt::format(
        "loader --trace={} {} --update 'config[0]=\"Hey root!\"' --events output:data_t -c 'true; /bin/true'",
        trace.string(), std::filesystem::absolute(attempt.file()).string());
    const ScriptRun run = run_script(attempt.silent_gate(), script);
    for (const ObservedCall& call : run.calls) findings.note(call.text());
    std::string line = "no such call";
    for (const std::string& call : lines_of(text_file(trace))) {
        if (call.find("BPF_RAW_TRACEPOINT_OPEN") != std::string::npos) line = call;
    }
    if (line == "no such call") line += "; the loader says: " + run.said.err;
    const std::regex wanted(
        R"re(^bpf\(BPF_RAW_TRACEPOINT_OPEN, \{raw_tracepoint=\{name="sys_enter", prog_fd=6\}\}, \d+\) += 7)re");
    findings.require(std::regex_search(line, wanted), "the trace shows how it is attached",
                     "bpf(BPF_RAW_TRACEPOINT_OPEN, {raw_tracepoint={name=\"sys_enter\", prog_fd=6}}, 16) = 7", line, 1);
    // Others execute things meanwhile, as other users too. Our execve is the loader's, of /bin/sh.
    std::vector<std::string> events;
    for (const std::string& event : Lines(run).beginning("output:")) {
        if (event.find(".command = \"loader\"") != std::string::npos) events.push_back(event);
    }
    findings.require(!events.empty(), "there are messages", "a line `output: {.pid = ..., .message = \"Hey root!\"}`",
                     "none. " + run.said.err, 2);
    findings.expect(events.front().find("Hey root!") != std::string::npos,
                    "root's message is the one of the map config", "\"Hey root!\"", events.front(), 2);
    // One, and those of loaders that run beside it: by itself a loader makes some hundred system calls.
    findings.expect(events.size() < 50, "there is a message for each execve, and for no other system call", "a few",
                    fmt::format("{} messages", events.size()), 3);
}

// 6 ------------------------------------------------------------------------------------------------------------------

void check_links(Attempt& attempt, Findings& findings) {
    const Holder holder([](const auto& hold) {
        LiveGate gate;
        Object first = load(gate, built(gate, "progs/chapter3/hello_func.bpf.o"));
        ObjectSpec counting = built(gate, "progs/chapter2/hello_map.bpf.o");
        counting.programs.front().kind = program_kind_at(parse_hook("raw_tp:sched_process_exit"));
        Object second = load(gate, std::move(counting));
        std::vector<Link> links;
        const auto attach_it = [&](Object& object, const char* hook) {
            links.push_back(attach(gate, object.programs().front(), parse_hook(hook)));
        };
        attach_it(second, "raw_tp:sched_process_exit");
        attach_it(first, "raw_tp:sched_process_fork");
        attach_it(second, "raw_tp:sched_process_exec");
        std::string text;
        for (const Link& link : links) {
            const LinkFacts facts = link_facts(gate, link.link_fd());
            text += fmt::format("{}{}:{}", text.empty() ? "" : " ", facts.id, facts.prog_id);
        }
        hold(text);
    });
    const ScriptRun run = attempt.run(findings, {{"HOLDER", std::to_string(holder.pid())}});
    const Lines lines(run);
    std::size_t right = 0;
    for (const std::string& pair : words_of(holder.text())) {
        const std::size_t colon = pair.find(':');
        const std::string link = pair.substr(0, colon), program = pair.substr(colon + 1);
        right += findings.expect(lines.has(fmt::format("link={} prog={}", link, program)),
                                 fmt::format("link {} runs program {}", link, program),
                                 fmt::format("the line link={} prog={}", link, program),
                                 list_text(lines.beginning("link=" + link)), 1);
    }
    const std::size_t said = lines.beginning("link=").size();
    findings.expect(said == right, "and no others", std::to_string(right), std::to_string(said), 2);
}

// 8 ------------------------------------------------------------------------------------------------------------------

void check_link_create(Attempt& attempt, Findings& findings) {
    const ScriptRun run = attempt.run(findings);
    const ObservedCall* created = nullptr;
    for (const ObservedCall& call : run.calls) {
        if (call.command == BPF_LINK_CREATE && call.ok() && call.attr.link_create.attach_type == BPF_PERF_EVENT)
            created = &call;
    }
    findings.require(created != nullptr, "a tracepoint program was attached by BPF_LINK_CREATE",
                     "bpf(BPF_LINK_CREATE, {..., attach_type=BPF_PERF_EVENT})",
                     count_calls(run, BPF_LINK_CREATE) > 0 ? "links of other types only" : "no such call", 1);
    bool shown = false;
    for (const std::string& line : lines_of(run.said.out))
        shown |= line.find("bpf(BPF_LINK_CREATE") != std::string::npos;
    findings.expect(shown, "the script shows the call",
                    "a line that begins with bpf(BPF_LINK_CREATE on standard output", "none", 2);
}

constexpr Exercise exercises4[] = {
    {"chapter4/insn-count", "answer.sh", "count the instructions before and after the verifier", check_insn_count},
    {"chapter4/two-configs", "answer.sh", "several maps have one name: find yours", check_two_configs},
    {"chapter4/change-config", "answer.sh", "change a map while the program runs", check_change_config},
    {"chapter4/pin-program", "answer.sh", "pin a program, quit, and it is still loaded", check_pin_program},
    {"chapter4/raw-tracepoint", "raw_tracepoint.bpf.c", "from a kprobe to a raw tracepoint", check_raw_tracepoint},
    {"chapter4/links", "answer.sh", "say which link runs which program", check_links},
    {"chapter4/pin-link", "answer.sh", "pin a link, quit, and the program still runs", check_pin_link},
    {"chapter4/link-create", "answer.sh", "see BPF_LINK_CREATE", check_link_create},
};

}  // namespace

std::span<const Exercise> chapter4_exercises() {
    return exercises4;
}

}  // namespace checker
