// Chapter 5: BTF and CO-RE.
#include <algorithm>
#include <random>

#include <fmt/format.h>

#include "exercise.hpp"
#include "places.hpp"

namespace checker {

using namespace minibpf;

namespace {

std::string checkers_object(const char* name) {
    return (build_dir() / "exercises/checker" / name).string();
}

void check_inspect_btf(Attempt& attempt, Findings& findings) {
    KernelGate& gate = attempt.silent_gate();
    Object object = load(gate, open_object(gate, checkers_object("inspected.bpf.o")));
    const std::uint32_t score = 1000 + std::random_device()() % 9000;
    object.require_map("inspect_map")
        .update("7", fmt::format("{{.visits = 0, .score = {}, .player = \"eve\"}}", score));
    const ProgramFacts program = program_facts(gate, object.require_program("inspect_me").fd());
    const ScriptRun run = attempt.run(findings);
    const Lines answers(run);
    answers.expect(findings, "btf", std::to_string(program.btf_id), "the number of the program's BTF", 1);
    answers.expect(findings, "value", "struct record", "the type of the map's values", 2);
    answers.expect(findings, "score", std::to_string(score), "the member score of the value under key 7", 3);
}

std::uint32_t offset_of(const btf::Btf& types, const char* type, std::string_view member_name) {
    const auto id = types.find(btf::Kind::struct_, type);
    if (!id) return 0;
    for (const btf::Member& member : types.members(types.type(*id))) {
        if (member.name == member_name) return member.bit_offset / 8;
    }
    return 0;
}

// Whether the script has loaded offsets.bpf.o with this offset: it is in an instruction by then.
bool has_loaded_offset(const ScriptRun& run, std::uint32_t offset) {
    return std::any_of(run.calls.begin(), run.calls.end(), [&](const ObservedCall& call) {
        if (call.command != BPF_PROG_LOAD || !call.ok() || call.name() != "read_offset") return false;
        const std::vector<bpf_insn> insns = call.first_insns();
        return std::any_of(insns.begin(), insns.end(), [&](const bpf_insn& insn) {
            return insn.imm == static_cast<int>(offset) || insn.off == static_cast<int>(offset);
        });
    });
}

void check_other_btf(Attempt& attempt, Findings& findings) {
    KernelGate& gate = attempt.silent_gate();
    const btf::Btf kernel = btf::Btf::parse(read_file(gate, "/sys/kernel/btf/vmlinux"), "vmlinux");
    const ObjectSpec other = open_object(gate, checkers_object("other_kernel.bpf.o"));
    const std::uint32_t here = offset_of(kernel, "task_struct", "tgid");
    const std::uint32_t there = offset_of(*other.btf, "task_struct", "tgid");
    const ScriptRun run = attempt.run(findings);
    const Lines answers(run);
    answers.expect(findings, "kernel", std::to_string(here), "where tgid lies in this kernel's task_struct", 1);
    answers.expect(findings, "other", std::to_string(there), "where it lies in the other kernel's", 2);
    const std::string loaded = "a BPF_PROG_LOAD of read_offset with that number in an instruction",
                      not_seen = "no such call";
    findings.expect(has_loaded_offset(run, here), "read_offset was loaded for this kernel", loaded, not_seen, 1);
    findings.expect(has_loaded_offset(run, there), "read_offset was loaded for the other kernel's types", loaded,
                    not_seen, 2);
}

constexpr unsigned some_user = 12345;

void check_per_uid(Attempt& attempt, Findings& findings) {
    StudentObject program(attempt);
    program.load(findings, 1);
    findings.require(
        program.object().find_map("my_config") != nullptr && program.object().find_map("output") != nullptr,
        "the maps my_config and output are there", "both", "not both", 1);
    std::vector<std::pair<int, std::string>> events;
    Poller poller(attempt.silent_gate());
    PerfBuffer buffer(
        poller, program.object().require_map("output"),
        [&](int, ByteView sample) {
            const auto pid = read_at<int>(sample, 0);
            const auto text = slice(sample, 24, 12);  // struct data_t: pid, uid, command[16], message[12]
            if (!pid || !text) return;
            const char* begin = reinterpret_cast<const char*>(text->data());
            events.emplace_back(*pid, std::string(begin, strnlen(begin, text->size())));
        },
        [](int, std::uint64_t) {});
    program.object().require_map("my_config").update(std::to_string(some_user), "\"Hey you!\"");
    program.attach(findings, 1);
    const auto message_of = [&](unsigned uid) {
        const int pid = execute_true(uid);
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
    const std::string root = message_of(0), user = message_of(some_user);
    findings.expect(root == "Hello World", "root has no entry in my_config and gets the usual message",
                    "\"Hello World\"", "\"" + root + "\"", 3);
    findings.expect(user == "Hey you!", fmt::format("user {} gets the message of my_config", some_user), "\"Hey you!\"",
                    "\"" + user + "\"", 1);
}

void check_unknown_section(Attempt& attempt, Findings& findings) {
    StudentObject program(attempt);
    program.load(findings, 1);
    const auto type_of = [&](const char* name) {
        const ProgramSpec* found = program.spec().find_program(name);
        return found == nullptr ? std::string("no such program") : program_type_name(found->kind.type);
    };
    findings.expect(type_of("count_exec") == "tracepoint", "count_exec is a tracepoint program", "tracepoint",
                    type_of("count_exec"), 2);
    findings.expect(type_of("count_exits") == "raw_tracepoint", "count_exits is a raw tracepoint program",
                    "raw_tracepoint", type_of("count_exits"), 2);
    program.attach(findings, 2);
    const auto number = [&](const char* name) { return program.object().variable<std::uint64_t>(name); };
    const std::uint64_t execs = number("execs"), exits = number("exits");
    execute_true();
    findings.expect(number("execs") > execs, "a program that is executed is counted", "execs grows", "it does not", 2);
    findings.expect(number("exits") > exits, "a process that ends is counted", "exits grows", "it does not", 2);
}

constexpr Exercise exercises5[] = {
    {"chapter5/inspect-btf", "answer.sh", "read the types of a loaded program and map", check_inspect_btf},
    {"chapter5/other-btf", "answer.sh", "load against another kernel's types, and see what CO-RE changes",
     check_other_btf},
    {"chapter5/per-uid-messages", "per_uid_messages.bpf.c", "a message for each user", check_per_uid},
    {"chapter5/unknown-section", "unknown_section.bpf.c", "section names that no loader knows", check_unknown_section},
};

}  // namespace

std::span<const Exercise> chapter5_exercises() {
    return exercises5;
}

}  // namespace checker
