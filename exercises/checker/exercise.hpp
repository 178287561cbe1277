// An exercise, a student's attempt at it, and what the checker finds in it.
//
//     void check_odd_even(Attempt& attempt, Findings& findings) {
//         StudentObject program(attempt, findings);       // compiled, loaded; the verifier's words if it refuses
//         program.attach(findings);
//         ... provoke something, look ...
//         findings.expect(said_odd, "an odd pid's line says odd", "a line with \"odd\"", "\"Hello World!\"", 1);
//     }
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <libminibpf/minibpf.hpp>

#include "processes.hpp"

namespace checker {

class Attempt;
class Findings;

struct Exercise {
    const char* name;   ///< its folder below exercises/: "chapter2/odd-even"
    const char* file;   ///< what the student writes, in that folder: "odd_even.bpf.c", "answer.sh"
    const char* title;  ///< one line
    void (*check)(Attempt& attempt, Findings& findings);
};

/// All there are, in the book's order. Each chapter's file has a list of its own.
std::vector<Exercise> all_exercises();
std::span<const Exercise> chapter2_exercises();
std::span<const Exercise> chapter3_exercises();
std::span<const Exercise> chapter4_exercises();
std::span<const Exercise> chapter5_exercises();
std::span<const Exercise> chapter6_exercises();
std::span<const Exercise> chapter7_exercises();
std::span<const Exercise> chapter8_exercises();

std::filesystem::path folder_of(const Exercise& exercise);

/// What was asked to be checked: the file, and the gate whose calls are kept.
class Attempt {
public:
    Attempt(const Exercise& exercise, std::filesystem::path file);
    Attempt(const Attempt&) = delete;
    Attempt& operator=(const Attempt&) = delete;

    const Exercise& exercise() const noexcept { return exercise_; }
    const std::filesystem::path& file() const noexcept { return file_; }
    minibpf::KernelGate& gate() noexcept { return narrating_; }
    minibpf::KernelGate& silent_gate() noexcept { return live_; }  ///< for what the checker itself wants to know
    /// The calls made through gate(), as strace prints them.
    const std::vector<std::string>& calls() const noexcept { return calls_; }
    bool called(std::string_view what) const;  ///< whether one of them has this in it

    /// Runs the file as a script.
    ScriptRun run(
        Findings& findings, const Environment& environment = {}, const std::function<void()>& meanwhile = [] {});

private:
    const Exercise& exercise_;
    std::filesystem::path file_;
    std::vector<std::string> calls_;
    minibpf::LiveGate live_;
    minibpf::NarratingGate narrating_;
};

/// What goes on is of no use: something that the rest depends on is not there yet.
struct NotYet {};

/// The things that were looked at, printed as they come.
class Findings {
public:
    explicit Findings(const Exercise& exercise) : exercise_(exercise) {}

    /// Prints a line for one thing. If it is not there yet: what was expected, what was seen, and, for the first such
    /// thing, which of the README's hints helps.
    bool expect(bool is_so, const std::string& what, const std::string& expected, const std::string& seen, int hint);
    /// The same for what the rest depends on: throws NotYet.
    void require(bool is_so, const std::string& what, const std::string& expected, const std::string& seen, int hint);
    /// A line that is neither.
    void note(const std::string& text) const;

    bool all_ok() const noexcept { return ok_ == looked_at_; }
    void print_end() const;

private:
    const Exercise& exercise_;
    int looked_at_ = 0;
    int ok_ = 0;
};

/// "Hint 1: where the pid is": the summary of a README's hint; nothing when there is no such hint.
std::optional<std::string> hint_summary(const Exercise& exercise, int number);

/// What a script has printed, line by line.
class Lines {
public:
    explicit Lines(const ScriptRun& run);

    bool has(const std::string& line) const;
    std::vector<std::string> beginning(const std::string& begin) const;
    const std::vector<std::string>& all() const noexcept { return lines_; }

    /// A finding: the line NAME=VALUE is there.
    void expect(Findings& findings, const std::string& name, const std::string& value, const std::string& what,
                int hint) const;

private:
    std::vector<std::string> lines_;
};

/// "\"a\", \"b\" and 3 more", or "nothing".
std::string list_text(const std::vector<std::string>& texts);

/// A student's BPF program: the C source compiled, or an object as it is.
class StudentObject {
public:
    /// Compiles and parses; throws Error when that fails.
    explicit StudentObject(Attempt& attempt);

    minibpf::ObjectSpec& spec() noexcept { return spec_; }
    /// Loads it. A finding: the verifier accepts it, or its words, and NotYet.
    minibpf::Object& load(Findings& findings, int hint, const minibpf::LoadOptions& options = {});
    /// Attaches each program to where its section says. A finding, likewise.
    void attach(Findings& findings, int hint);
    minibpf::Link attach_to(const std::string& program, const std::string& hook);
    void detach() { links_.clear(); }

    minibpf::Object& object() { return *object_; }
    /// The number of entry programs that use the map.
    int users_of(const std::string& map);

private:
    Attempt& attempt_;
    minibpf::ObjectSpec spec_;
    std::optional<minibpf::Object> object_;
    std::vector<minibpf::Link> links_;
};

/// The lines that bpf_printk() writes while this lives.
class PrintedLines {
public:
    explicit PrintedLines(minibpf::KernelGate& gate);
    struct Line {
        int pid;
        std::string message;
    };
    /// Those so far.
    const std::vector<Line>& all();
    /// The messages of one process.
    std::vector<std::string> of(int pid);

private:
    std::vector<Line> lines_;
    minibpf::Poller poller_;
    std::optional<minibpf::TracePipe> pipe_;
};

}  // namespace checker
