// The exercises: each start fails its check and says which hint helps, each solution passes. BPF programs are checked
// as the objects that the build has made of them; that the checker compiles sources too is seen in one.
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "command.hpp"
#include "loaded.hpp"
#include "pages.hpp"

using namespace minibpf::test;

namespace {

struct Exercise {
    std::string name, file;
};

std::string checker(const std::string& arguments) {
    return loader() + " check " + arguments;
}

// What `loader check --list` says: name, file and title of each.
std::vector<Exercise> exercises() {
    const Said said = run(checker("--list"));
    REQUIRE(said.status == 0);
    std::vector<Exercise> list;
    for (const std::string& line : lines_of(said.out)) {
        Exercise exercise;
        std::istringstream(line) >> exercise.name >> exercise.file;
        list.push_back(exercise);
    }
    return list;
}

std::vector<Exercise> exercises_of(const std::string& chapter) {
    std::vector<Exercise> list;
    for (const Exercise& exercise : exercises()) {
        if (exercise.name.starts_with(chapter + "/") && exercise.name != "chapter7/another-function")
            list.push_back(exercise);
    }
    return list;
}

bool is_script(const Exercise& exercise) {
    return exercise.file.ends_with(".sh");
}

// The file to check: a script's source, and of a program what was made of it.
std::string checked_file(const Exercise& exercise, const std::string& below) {
    const std::filesystem::path top = is_script(exercise) ? source_dir() : build_dir();
    std::string file = exercise.file;
    if (!is_script(exercise)) file.back() = 'o';
    return (top / "exercises" / below / exercise.name / file).string();
}

void check_start(const Exercise& exercise) {
    const Said said = run(checker(exercise.name + " " + checked_file(exercise, "")));
    INFO("the start says: " << said.out << said.err);
    CHECK(said.status == 1);
    CHECK_THAT(said.out, contains("  not yet  "));
    CHECK_THAT(said.out, contains("read:     Hint "));
    CHECK_THAT(said.out, contains("(exercises/" + exercise.name + "/README.md)"));
    CHECK_THAT(said.out, contains("Not yet: "));
    // Of a program that is refused, the verifier's own words.
    static const std::map<std::string, std::string> refusals = {
        {"chapter6/map-argument", "R1 type=fp expected=map_ptr"},
        {"chapter6/null-check", "R0 invalid mem access 'map_value_or_null'"},
        {"chapter6/out-of-bounds", "invalid access to map value, value_size=12 off=12 size=1"},
        {"chapter6/less-or-equal", "R[0-9] max value is outside of the allowed memory range"},
        {"chapter6/data-end", "R[0-9] pointer arithmetic on pkt_end prohibited"},
        {"chapter6/loop", "BPF program is too large|The sequence of [0-9]+ jumps is too complex"},
        {"chapter6/return-value", "R0 !read_ok"},
        {"chapter6/license", "cannot call GPL.* from non-GPL compatible program"},
        {"chapter6/context", "invalid bpf_context access off=100 size=4"}};
    const auto refusal = refusals.find(exercise.name);
    CHECK((refusal != refusals.end()) == exercise.name.starts_with("chapter6/"));
    if (refusal != refusals.end()) CHECK(std::regex_search(said.out, std::regex(refusal->second)));
}

void check_solution(const Exercise& exercise) {
    const Said said = run(checker(exercise.name + " " + checked_file(exercise, "solutions")));
    INFO("the solution says: " << said.out << said.err);
    CHECK(said.status == 0);
    CHECK(said.out.find("not yet") == std::string::npos);
    CHECK_THAT(said.out, contains("Done: "));
}

void check_chapter(const std::string& chapter) {
    require_prerequisite(geteuid() == 0, "root");
    const std::vector<Exercise> list = exercises_of(chapter);
    CHECK(list.size() >= 3);
    for (const Exercise& exercise : list) {
        INFO(exercise.name);
        check_solution(exercise);
        // A virtual machine is slow, and a start falls short of its exercise on any kernel.
        if (!environment_says("MINIBPF_VM")) check_start(exercise);
    }
}

bool has_kprobes() {
    return std::filesystem::exists("/sys/bus/event_source/devices/kprobe");
}

}  // namespace

TEST_CASE("exercises of chapter 2: starts fail their checks, solutions pass", "[cli][kernel][exercise]") {
    check_chapter("chapter2");
}
TEST_CASE("exercises of chapter 3: starts fail their checks, solutions pass", "[cli][kernel][exercise]") {
    check_chapter("chapter3");
}
TEST_CASE("exercises of chapter 4: starts fail their checks, solutions pass", "[cli][kernel][exercise]") {
    check_chapter("chapter4");
}
TEST_CASE("exercises of chapter 5: starts fail their checks, solutions pass", "[cli][kernel][exercise]") {
    check_chapter("chapter5");
}
TEST_CASE("exercises of chapter 6: starts fail their checks, solutions pass", "[cli][kernel][exercise]") {
    check_chapter("chapter6");
}
TEST_CASE("exercises of chapter 7: starts fail their checks, solutions pass", "[cli][kernel][exercise]") {
    check_chapter("chapter7");
}
TEST_CASE("exercises of chapter 8: starts fail their checks, solutions pass", "[cli][kernel][exercise]") {
    check_chapter("chapter8");
}

namespace {

// A script that prints what the solution prints, and asks the kernel for nothing.
std::string copied_answers(const Exercise& exercise) {
    const std::string mark = "it says  ";
    std::string script;
    for (const std::string& line :
         lines_of(run(checker(exercise.name + " " + checked_file(exercise, "solutions"))).out)) {
        const std::size_t at = line.find(mark);
        if (at != std::string::npos) script += "echo '" + line.substr(at + mark.size()) + "'\n";
    }
    return script;
}

}  // namespace

TEST_CASE("answers that are right and come from no call are not enough", "[cli][kernel][exercise]") {
    require_prerequisite(geteuid() == 0, "root");
    const std::pair<Exercise, int> counted[] = {{{.name = "chapter4/insn-count", .file = "answer.sh"}, 5},
                                                {{.name = "chapter5/other-btf", .file = "answer.sh"}, 2}};
    for (const auto& [exercise, answers] : counted) {
        INFO(exercise.name);
        const TemporaryDirectory directory;
        const std::string script = copied_answers(exercise);
        CHECK(count_of(script, "echo '") == static_cast<std::size_t>(answers));
        write_file(directory / "answer.sh", script);
        const Said said = run(checker(exercise.name + " " + (directory / "answer.sh").string()));
        INFO(said.out << said.err);
        CHECK(said.status == 1);
        CHECK(count_of(said.out, "  ok  ") == static_cast<std::size_t>(answers));
        CHECK(count_of(said.out, "  not yet  ") == 2);
        CHECK_THAT(said.out, contains("no such call"));
    }
}

TEST_CASE("the exercise with a kprobe: the start fails its check, the solution passes", "[cli][kernel][exercise]") {
    require_prerequisite(geteuid() == 0, "root");
    skip_unless_kernel_has("kprobe PMU", has_kprobes());
    const Exercise exercise{.name = "chapter7/another-function", .file = "another_function.bpf.c"};
    check_start(exercise);
    check_solution(exercise);
}

TEST_CASE("without kprobes the exercise with one ends with status 4 and says what is missing",
          "[cli][kernel][exercise]") {
    require_prerequisite(geteuid() == 0, "root");
    skip_unless_kernel_has("no kprobes", !has_kprobes());
    const Exercise exercise{.name = "chapter7/another-function", .file = "another_function.bpf.c"};
    const Said said = run(checker(exercise.name + " " + checked_file(exercise, "solutions")));
    CHECK(said.status == 4);
    CHECK_THAT(said.err, contains("no kprobes"));
}

TEST_CASE("each exercise has a task, hints, a start and a solution", "[cli][exercise]") {
    const std::vector<Exercise> list = exercises();
    CHECK(list.size() >= 37);
    std::set<std::filesystem::path> known;
    for (const Exercise& exercise : list) {
        INFO(exercise.name);
        const std::filesystem::path folder = source_dir() / "exercises" / exercise.name;
        const std::string readme = text_file(folder / "README.md");
        known.insert(folder);
        CHECK_THAT(readme, contains("./loader check " + exercise.name + "\n"));
        CHECK_THAT(readme, contains("<details><summary>Hint 1: "));
        CHECK_THAT(readme, contains("<details><summary>Hint 2: "));
        CHECK(std::filesystem::exists(folder / exercise.file));
        CHECK(std::filesystem::exists(source_dir() / "exercises/solutions" / exercise.name / exercise.file));
        CHECK_THAT(text_file(source_dir() / "exercises/README.md"), contains("(" + exercise.name + "/README.md)"));
    }
    // And no folder without a check.
    for (const auto& chapter : std::filesystem::directory_iterator(source_dir() / "exercises")) {
        if (!chapter.path().filename().string().starts_with("chapter")) continue;
        for (const auto& folder : std::filesystem::directory_iterator(chapter)) {
            INFO(folder.path());
            CHECK(known.count(folder.path()) == 1);
        }
    }
}

TEST_CASE("check compiles a source, shows the calls when asked, and says what is wrong with a file",
          "[cli][kernel][exercise]") {
    require_prerequisite(geteuid() == 0, "root");
    if (run("command -v clang || ls /usr/bin/clang-[0-9]*").status != 0) leave_skipped("there is no clang here");
    const TemporaryDirectory directory;
    const Said said = run(checker("chapter6/null-check --calls"));
    INFO(said.out << said.err);
    CHECK(said.status == 1);
    CHECK_THAT(said.out, contains("map_value_or_null"));  // the verifier's own words
    CHECK_THAT(said.out, contains("bpf(BPF_PROG_LOAD, {"));
    CHECK_THAT(said.out, contains("Hint 1: what the verifier says"));

    const std::string broken = (directory / "broken.bpf.c").string();
    write_file(broken, "int f( {\n");
    const Said refused = run(checker("chapter6/null-check " + broken));
    CHECK(refused.status == 3);
    CHECK_THAT(refused.err, contains("error: expected"));  // clang's words
}

TEST_CASE("check looks at a whole chapter, and counts what is done", "[cli][kernel][exercise]") {
    require_prerequisite(geteuid() == 0, "root");
    const Said said = run(checker("chapter5"));
    CHECK(said.status == 1);
    const std::vector<std::string> lines = lines_of(said.out);
    REQUIRE(lines.size() == exercises_of("chapter5").size() + 1);
    CHECK_THAT(lines[0], contains("chapter5/inspect-btf") && contains("  not yet  "));
    CHECK(lines.back() == "0 of 4 are done.");
}

TEST_CASE("what a script asks of bpf(2) is observed, whoever of its processes asks", "[cli][kernel][exercise]") {
    require_prerequisite(geteuid() == 0, "root");
    const TemporaryDirectory directory;
    const std::string script = (directory / "answer.sh").string();
    // Two generations down, and left behind by its parent.
    write_file(script, "(sh -c 'loader -q progs/hello.bpf.o --no-attach' &)\nsleep 3\n");
    const Said said = run(checker("chapter4/link-create --calls " + script));
    INFO(said.out << said.err);
    CHECK(said.status == 1);
    CHECK_THAT(said.out, contains(": BPF_BTF_LOAD = ") && contains(": BPF_PROG_LOAD hello, 6 instructions = ") &&
                             contains(": BPF_MAP_FREEZE = 0"));
}

TEST_CASE("check knows its exercises, and where it is not", "[cli][exercise]") {
    const Said unknown = run(checker("chapter2/no-such"));
    CHECK(unknown.status == 2);
    CHECK_THAT(unknown.err, contains("no exercise 'chapter2/no-such'"));
    CHECK(run(checker("chapter2/odd-even /no/such/file")).status == 2);

    // An installed loader has no checker beside it.
    const TemporaryDirectory directory;
    const std::string alone = (directory / "loader").string();
    std::filesystem::copy_file(loader(), alone);
    const Said missing = run(alone + " check chapter2");
    CHECK(missing.status == 4);
    CHECK_THAT(missing.err, contains("check_exercise") && contains("./loader check"));
}
