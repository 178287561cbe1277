// Chapter 6: programs with a mistake that the verifier finds. Mended, they have to do their job still; the kernel runs
// them for us by BPF_PROG_TEST_RUN, so that nobody else's events come in between.
#include <array>
#include <cstring>

#include <fmt/format.h>

#include "exercise.hpp"

namespace checker {

using namespace minibpf;

namespace {

// A student's program, accepted by the verifier.
class Mended {
public:
    Mended(Attempt& attempt, Findings& findings) : attempt_(attempt), student_(attempt) {
        student_.load(findings, 1);
        findings.require(!student_.object().programs().empty(), "there is a program", "one", "none", 1);
    }

    Object& object() { return student_.object(); }

    TestOutput run() {
        const Program& program = object().programs().front();
        TestInput input;
        if (test_input_kind(program.spec().kind.type) == TestInputKind::packet) {
            input.data = *packet_by_name("udp");
        } else {
            const std::array<std::uint64_t, 2> arguments = {0, 59};
            const ByteView bytes = bytes_of(arguments);
            input.context.assign(bytes.begin(), bytes.end());
        }
        return test_run(attempt_.gate(), program.fd(), program.spec().kind.type, program.name(), input);
    }

    // Runs it, and looks at a variable of its.
    void expect(Findings& findings, const std::string& variable, int wanted, const std::string& what, int hint = 2) {
        run();
        const std::string seen =
            object().spec().find_variable(variable) == nullptr ? "no such variable" : object().variable_text(variable);
        findings.expect(seen == std::to_string(wanted), what, fmt::format("{} = {}", variable, wanted),
                        fmt::format("{} = {}", variable, seen), hint);
    }

private:
    Attempt& attempt_;
    StudentObject student_;
};

void set_message(Mended& mended, Findings& findings, const char* text) {
    Map* map = mended.object().find_map("my_config");
    findings.require(map != nullptr, "the program uses my_config", "the map", "no such map", 2);
    map->update("0", text);
}

void check_map_argument(Attempt& attempt, Findings& findings) {
    Mended mended(attempt, findings);
    mended.expect(findings, "found", 0, "without an entry for the user nothing is found");
    set_message(mended, findings, "\"Hey root!\"");
    mended.expect(findings, "found", 1, "with one it is");
}

void check_null_check(Attempt& attempt, Findings& findings) {
    Mended mended(attempt, findings);
    mended.expect(findings, "letter", 0, "without a message for the user the letter is 0");
    set_message(mended, findings, "\"Zebra\"");
    mended.expect(findings, "letter", 'Z', "with one it is the message's first");
}

void check_out_of_bounds(Attempt& attempt, Findings& findings) {
    Mended mended(attempt, findings);
    set_message(mended, findings, "\"abcdefghijkl\"");
    mended.expect(findings, "last_letter", 'l', "the last letter of a message of twelve");
    mended.expect(findings, "first_of_command", 'c', "the first letter of the command, which is check_exercise");
}

void check_less_or_equal(Attempt& attempt, Findings& findings) {
    Mended mended(attempt, findings);
    const auto with_index = [&](int index, char letter) {
        mended.object().variable<int>("c") = index;
        mended.expect(findings, "letter", letter, fmt::format("with c = {} the letter is '{}'", index, letter));
    };
    with_index(0, 'H');
    with_index(10, 'd');
    with_index(12, '?');
    with_index(-1, '?');
}

void check_data_end(Attempt& attempt, Findings& findings) {
    Mended mended(attempt, findings);
    mended.expect(findings, "bytes", static_cast<int>(packet_by_name("udp")->size()),
                  "it tells the length of a packet");
    findings.expect(mended.run().retval == XDP_PASS, "it lets the packet pass", "XDP_PASS",
                    return_value_name(BPF_PROG_TYPE_XDP, mended.run().retval), 2);
}

void check_loop(Attempt& attempt, Findings& findings) {
    Mended mended(attempt, findings);
    const auto with_count = [&](int count, int sum) {
        mended.object().variable<int>("count") = count;
        mended.expect(findings, "sum", sum,
                      fmt::format("with count = {} it adds up the first {} numbers", count, std::min(count, 100)));
    };
    with_count(0, 0);
    with_count(5, 15);
    with_count(100, 5050);
    with_count(5000, 5050);
}

void check_return_value(Attempt& attempt, Findings& findings) {
    Mended mended(attempt, findings);
    const std::uint32_t returned = mended.run().retval;
    findings.expect(returned == XDP_PASS, "it lets packets pass", "XDP_PASS, 2",
                    fmt::format("{} {}", return_value_name(BPF_PROG_TYPE_XDP, returned), returned), 2);
}

void check_license(Attempt& attempt, Findings& findings) {
    Mended mended(attempt, findings);
    const Program& program = mended.object().programs().front();
    findings.expect(program_facts(attempt.silent_gate(), program.fd()).gpl_compatible,
                    "its license is compatible with the GPL", "yes", "no", 2);
    mended.object().variable<int>("original") = 4711;
    mended.expect(findings, "copy", 4711, "it copies what bpf_probe_read_kernel() reads");
}

void check_context(Attempt& attempt, Findings& findings) {
    Mended mended(attempt, findings);
    // A test run's packets come from the loopback interface, which is number 1.
    mended.expect(findings, "interface", 1, "it tells the number of the interface that a packet came in by");
}

constexpr Exercise exercises6[] = {
    {"chapter6/map-argument", "map_argument.bpf.c", "a helper gets something else than a map", check_map_argument},
    {"chapter6/null-check", "null_check.bpf.c", "what a lookup returns is used unseen", check_null_check},
    {"chapter6/out-of-bounds", "out_of_bounds.bpf.c", "beyond the end of a map's value, and of the stack",
     check_out_of_bounds},
    {"chapter6/less-or-equal", "less_or_equal.bpf.c", "<= where < is right", check_less_or_equal},
    {"chapter6/data-end", "data_end.bpf.c", "the end of the packet is moved", check_data_end},
    {"chapter6/loop", "loop.bpf.c", "a loop of which nobody knows how long it is", check_loop},
    {"chapter6/return-value", "return_value.bpf.c", "nothing is returned", check_return_value},
    {"chapter6/license", "license.bpf.c", "a helper for GPL programs in one that is none", check_license},
    {"chapter6/context", "context.bpf.c", "a member that the context does not have", check_context},
};

}  // namespace

std::span<const Exercise> chapter6_exercises() {
    return exercises6;
}

}  // namespace checker
