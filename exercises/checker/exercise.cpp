// What all checks share: compiling, loading and attaching a student's program, and saying what was found.
#include "exercise.hpp"

#include <algorithm>
#include <cstdio>
#include <regex>

#include <fmt/format.h>

#include "places.hpp"

namespace checker {

using namespace minibpf;

namespace {

void print(const std::string& line) {
    std::fputs((line + "\n").c_str(), stdout);
    std::fflush(stdout);
}

// Several lines stand one below the other.
std::string indented(const std::string& text, const std::string& indent) {
    return std::regex_replace(text, std::regex("\n"), "\n" + indent);
}

std::string readme_of(const Exercise& exercise) {
    return fmt::format("exercises/{}/README.md", exercise.name);
}

ObjectSpec student_spec(Attempt& attempt) {
    const std::string path = attempt.file().string();
    if (!path.ends_with(".c")) return open_object(attempt.gate(), path);
    return parse_object(compile_file(path), path);
}

// A log may have a million lines, and what matters is at its end.
std::string end_of_log(const std::string& log) {
    std::size_t begin = log.size();
    for (int lines = 0; lines < 24 && begin != 0; ++lines) {
        const std::size_t newline = begin < 2 ? std::string::npos : log.rfind('\n', begin - 2);
        begin = newline == std::string::npos ? 0 : newline + 1;
    }
    const auto left_out = std::count(log.begin(), log.begin() + static_cast<std::ptrdiff_t>(begin), '\n');
    std::string text = left_out == 0 ? "" : fmt::format("\n({} lines of the verifier's log before this)", left_out);
    for (const std::string& line : lines_of(log.substr(begin))) {
        if (!line.empty()) text += "\n" + line;
    }
    return text;
}

std::string what_the_verifier_says(const Error& error) {
    std::string text = error.what() + end_of_log(error.detail().kernel_log);
    if (!error.detail().hint.empty()) text += "\ntry: " + error.detail().hint;
    return text;
}

}  // namespace

std::vector<Exercise> all_exercises() {
    std::vector<Exercise> all;
    for (const auto chapter : {chapter2_exercises(), chapter3_exercises(), chapter4_exercises(), chapter5_exercises(),
                               chapter6_exercises(), chapter7_exercises(), chapter8_exercises()})
        all.insert(all.end(), chapter.begin(), chapter.end());
    return all;
}

std::filesystem::path folder_of(const Exercise& exercise) {
    return source_dir() / "exercises" / exercise.name;
}

Attempt::Attempt(const Exercise& exercise, std::filesystem::path file)
    : exercise_(exercise),
      file_(std::move(file)),
      narrating_(live_, [this](std::string_view line) { calls_.emplace_back(line); }, {.reasons = false}) {}

bool Attempt::called(std::string_view what) const {
    for (const std::string& call : calls_) {
        if (call.find(what) != std::string::npos) return true;
    }
    return false;
}

ScriptRun Attempt::run(Findings& findings, const Environment& environment, const std::function<void()>& meanwhile) {
    ScriptRun run = run_script(live_, file_, environment, meanwhile);
    for (const ObservedCall& call : run.calls) {
        calls_.push_back(fmt::format("{}-{}: {}", call.process, call.pid, call.text()));
    }
    for (const std::string& line : lines_of(run.said.out)) findings.note("it says  " + line);
    for (const std::string& line : lines_of(run.said.err)) {
        if (line.find(" EVENTS]") == std::string::npos) findings.note("complains " + line);
    }
    if (run.lost_calls != 0)
        findings.note(fmt::format("{} calls of bpf(2) were too many to be looked at", run.lost_calls));
    if (run.timed_out) {
        findings.expect(false, "the script comes to an end", "its end within 30 seconds",
                        "it was still running; does it wait for a loader that nobody ends?", 1);
    }
    return run;
}

bool Findings::expect(bool is_so, const std::string& what, const std::string& expected, const std::string& seen,
                      int hint) {
    ++looked_at_;
    const std::string indent(21, ' ');
    print(fmt::format("  {}  {}", is_so ? "ok     " : "not yet", what));
    if (is_so) {
        ++ok_;
        return true;
    }
    print("           expected: " + indented(expected, indent));
    print("           seen:     " + indented(seen, indent));
    if (looked_at_ - ok_ == 1) {
        const auto summary = hint_summary(exercise_, hint);
        print(fmt::format("           read:     {} ({})", summary.value_or("there is no such hint"),
                          readme_of(exercise_)));
    }
    return false;
}

void Findings::require(bool is_so, const std::string& what, const std::string& expected, const std::string& seen,
                       int hint) {
    if (!expect(is_so, what, expected, seen, hint)) throw NotYet();
}

void Findings::note(const std::string& text) const {
    print("           " + text);
}

void Findings::print_end() const {
    if (all_ok()) return print(fmt::format("Done: {} of {}.", ok_, looked_at_));
    print(fmt::format("Not yet: {} of {} looked at are as they should be.", ok_, looked_at_));
}

std::optional<std::string> hint_summary(const Exercise& exercise, int number) {
    const std::string readme = text_file(folder_of(exercise) / "README.md");
    const std::regex pattern(fmt::format("<summary>(Hint {}[^<]*)</summary>", number));
    std::smatch found;
    if (!std::regex_search(readme, found, pattern)) return std::nullopt;
    return found[1].str();
}

Lines::Lines(const ScriptRun& run) : lines_(lines_of(run.said.out)) {}

bool Lines::has(const std::string& line) const {
    return std::find(lines_.begin(), lines_.end(), line) != lines_.end();
}

std::vector<std::string> Lines::beginning(const std::string& begin) const {
    std::vector<std::string> found;
    for (const std::string& line : lines_) {
        if (line.starts_with(begin)) found.push_back(line);
    }
    return found;
}

void Lines::expect(Findings& findings, const std::string& name, const std::string& value, const std::string& what,
                   int hint) const {
    const std::string wanted = name + "=" + value;
    findings.expect(has(wanted), what, "the line " + wanted, list_text(beginning(name + "=")), hint);
}

std::string list_text(const std::vector<std::string>& texts) {
    if (texts.empty()) return "nothing";
    std::string list;
    constexpr std::size_t shown = 4;
    for (std::size_t i = 0; i < std::min(texts.size(), shown); ++i)
        list += fmt::format("{}\"{}\"", i == 0 ? "" : ", ", texts[i]);
    return texts.size() <= shown ? list : fmt::format("{} and {} more", list, texts.size() - shown);
}

StudentObject::StudentObject(Attempt& attempt) : attempt_(attempt), spec_(student_spec(attempt)) {}

Object& StudentObject::load(Findings& findings, int hint, const LoadOptions& options) {
    try {
        object_.emplace(minibpf::load(attempt_.gate(), spec_, options));
    } catch (const Error& error) {
        if (error.detail().blame == Blame::facility) throw;
        const bool refused = !error.detail().kernel_log.empty();
        findings.require(false, "the kernel takes the program",
                         refused ? "the verifier finds nothing to complain of" : "a program that can be loaded",
                         what_the_verifier_says(error), hint);
    }
    findings.expect(true, "the kernel takes the program", "", "", hint);
    return *object_;
}

void StudentObject::attach(Findings& findings, int hint) {
    std::string where;
    for (const Program& program : object_->programs()) {
        try {
            links_.push_back(minibpf::attach(attempt_.gate(), program));
            where += (where.empty() ? "" : ", ") + links_.back().description();
        } catch (const Error& error) {
            if (error.detail().blame == Blame::facility) throw;
            findings.require(false, program.name() + " is attached to where its section says",
                             "a hook that the kernel has", what_the_verifier_says(error), hint);
        }
    }
    findings.expect(true, "attached: " + where, "", "", hint);
}

Link StudentObject::attach_to(const std::string& program, const std::string& hook) {
    return minibpf::attach(attempt_.gate(), object_->require_program(program), parse_hook(hook));
}

int StudentObject::users_of(const std::string& map) {
    const std::uint32_t id = map_facts(attempt_.silent_gate(), object_->require_map(map).fd()).id;
    int users = 0;
    for (const Program& program : object_->programs()) {
        const std::vector<std::uint32_t> ids = program_facts(attempt_.silent_gate(), program.fd()).map_ids;
        if (std::find(ids.begin(), ids.end(), id) != ids.end()) ++users;
    }
    return users;
}

PrintedLines::PrintedLines(KernelGate& gate) : poller_(gate) {
    const auto on_line = [this](const TraceLine& line) {
        if (line.pid != 0) lines_.push_back({line.pid, std::string(line.message)});
    };
    const PrintkFormats every_line{.formats = {}, .complete = false};
    // trace_pipe has one reader at a time; somebody else's may be at its end.
    wait_until(
        [&] {
            try {
                pipe_.emplace(poller_, every_line, on_line);
                return true;
            } catch (const Error& error) {
                if (error.detail().code != EBUSY) throw;
                return false;
            }
        },
        20000);
    if (!pipe_) pipe_.emplace(poller_, every_line, on_line);  // says who is in the way
}

const std::vector<PrintedLines::Line>& PrintedLines::all() {
    pipe_->drain();
    return lines_;
}

std::vector<std::string> PrintedLines::of(int pid) {
    std::vector<std::string> messages;
    for (const Line& line : all()) {
        if (line.pid == pid) messages.push_back(line.message);
    }
    return messages;
}

}  // namespace checker
