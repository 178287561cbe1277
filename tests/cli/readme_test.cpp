// The transcripts of README.md, examples/, exercises/ and docs/ are what the command prints. A block stands behind a
// comment that names its command:
//
//     <!-- transcript: ./loader progs/hello.bpf.o -c true -->
//
// `transcript, cable: ...` is of a command that finds the interfaces which examples/chapter8/cable.sh makes.
// `transcript, Linux 6.18: ...` is of that kernel alone; the tests in virtual machines see to the others' (tests/vm).
//
// Numbers differ from machine to machine (addresses, pids, times, a tracepoint's id), so all are compared as N. With
// MINIBPF_REWRITE=1 in the environment the test writes the blocks anew instead.
//
// Commands that are only indented, "    ./loader ..." and "    build/examples/...", are run too: nothing is said there
// of what they print, so they have but to end well.
#include <algorithm>
#include <regex>
#include <set>

#include <sys/utsname.h>

#include <tests/catch.hpp>
#include <tests/skip.hpp>

#include "command.hpp"
#include "documented.hpp"
#include "pages.hpp"
#include "veth.hpp"

using namespace minibpf::test;

namespace {

struct Transcript {
    std::filesystem::path file;
    std::string command;
    bool has_cable = false;  ///< runs between the interfaces of examples/chapter8/cable.sh
    std::size_t begin = 0;   ///< of the block's text in the file
    std::string text;
};

// `<!-- transcript, Linux 6.18: ...` is of that kernel: the verifier, for one, chooses other words in each.
bool is_for_this_kernel(const std::string& release) {
    utsname machine{};
    uname(&machine);
    return release.empty() || std::string(machine.release).starts_with(release + ".");
}

std::vector<Transcript> transcripts_of(const std::filesystem::path& file) {
    const std::string content = text_file(file);
    std::size_t marks = 0;
    const std::regex marker(R"(<!-- transcript(, cable)?(, Linux ([0-9.]+))?: \./loader (.*) -->\n```\n)");
    std::vector<Transcript> found;
    for (std::sregex_iterator at(content.begin(), content.end(), marker), end; at != end; ++at) {
        ++marks;
        const auto begin = static_cast<std::size_t>(at->position() + at->length());
        const std::size_t close = content.find("```\n", begin);
        REQUIRE(close != std::string::npos);
        if (!is_for_this_kernel((*at)[3])) continue;
        found.push_back({.file = file,
                         .command = (*at)[4],
                         .has_cable = (*at)[1].matched,
                         .begin = begin,
                         .text = content.substr(begin, close - begin)});
    }
    INFO(file << ": a mark that begins with '<!-- transcript' has no block behind it, or is misspelt");
    CHECK(count_of(content, "<!-- transcript") == marks);
    return found;
}

// In a namespace of its own, a command finds the cable of chapter 8, made as the page says. The mounts are its own too:
// `ip` notes its namespaces by files in /run.
std::string with_cable(const std::string& command, const TemporaryDirectory& directory) {
    load_network_modules();
    const std::filesystem::path script = directory / "script";
    write_file(script, "mount -t tmpfs none /run && ip link set lo up && sh " +
                           (source_dir() / "examples/chapter8/cable.sh").string() + " && " + command + "\n");
    return "unshare -n -m /bin/sh " + script.string();
}

// The two streams in the order in which a terminal shows them, cut to 160 columns.
std::string output_of(const Transcript& transcript) {
    const TemporaryDirectory directory;
    std::string command = "cd " + build_dir().string() + " && { " + loader() + " " + transcript.command + "; } 2>&1";
    if (transcript.has_cable) command = with_cable(command, directory);
    const Said said = run(command);
    UNSCOPED_INFO(said.err);  // why there is no cable
    std::string text;
    for (const std::string& line : lines_of(said.out))
        text += (line.size() > 160 ? line.substr(0, 157) + "..." : line) + "\n";
    return text;
}

std::string without_numbers(std::string text) {
    text = std::regex_replace(text, std::regex(R"(btf="[^"]*"(\.\.\.)?)"), "btf=BYTES");
    // The first event may be another process's.
    text = std::regex_replace(text, std::regex(R"re(\.(command|path) = "[^"]*")re"), ".$1 = TEXT");
    text = std::regex_replace(text, std::regex("0x[0-9a-f]+|[0-9]+"), "N");
    text = std::regex_replace(text, std::regex(R"([^ ]+-N +\[N\] [^ ]+ +N\.N:)"), "TASK [N] FLAGS TIME:");
    return std::regex_replace(text, std::regex(" +"), " ");
}

// A busy machine runs other commands meanwhile, and each makes a program print its line once more; and what is done for
// each CPU is done more often where there are more. So each line counts once.
std::vector<std::string> lines_once(const std::string& text) {
    std::vector<std::string> lines;
    std::set<std::string> known;
    for (const std::string& line : lines_of(text)) {
        if (known.insert(without_numbers(line)).second) lines.push_back(line);
    }
    return lines;
}

// Where a line was cut depends on the length of its numbers; so of two lines that were, the end does not count.
bool same_line(const std::string& documented, const std::string& printed) {
    const auto is_cut = [](const std::string& line) { return line.size() == 160 && line.ends_with("..."); };
    std::string a = without_numbers(documented), b = without_numbers(printed);
    if (is_cut(documented) && is_cut(printed)) {
        constexpr std::size_t dots = 3;
        const std::size_t length = std::max(std::min(a.size(), b.size()), dots) - dots;
        a.resize(length);
        b.resize(length);
    }
    return a == b;
}

void rewrite(const Transcript& transcript, const std::string& output) {
    std::string content = text_file(transcript.file);
    content.replace(transcript.begin, transcript.text.size(), output);
    write_file(transcript.file, content);
}

// What a program prints passes through the loader, what its command prints does not: which of the two comes first is
// nobody's to say, and each keeps its own order.
std::vector<std::string> with_the_programs_first(std::vector<std::string> lines) {
    std::stable_partition(lines.begin(), lines.end(), [](const std::string& line) {
        return line.find(": bpf_trace_printk: ") != std::string::npos;
    });
    return lines;
}

std::vector<std::string> lines_to_compare(const Transcript& transcript, const std::string& text) {
    const bool has_command = transcript.command.find(" -c ") != std::string::npos;
    return has_command ? with_the_programs_first(lines_once(text)) : lines_once(text);
}

void compare(const Transcript& transcript) {
    INFO(transcript.file.filename() << ": ./loader " << transcript.command);
    const std::string output = output_of(transcript);
    if (environment_says("MINIBPF_REWRITE")) return rewrite(transcript, output);
    const std::vector<std::string> documented = lines_to_compare(transcript, transcript.text);
    const std::vector<std::string> printed = lines_to_compare(transcript, output);
    REQUIRE(documented.size() == printed.size());
    for (std::size_t i = 0; i < printed.size(); ++i) {
        INFO("documented: " << documented[i]);
        INFO("printed:    " << printed[i]);
        CHECK(same_line(documented[i], printed[i]));
    }
}

// There are several tests, because a test's time is limited.
enum class Pages { chapters_2_to_6, other_chapters, rest_of_docs, others };

Pages group_of(const std::filesystem::path& page) {
    static const std::regex first_chapters("docs/chapters/0[2-6].*");
    const std::string name = std::filesystem::relative(page, source_dir());
    if (std::regex_match(name, first_chapters)) return Pages::chapters_2_to_6;
    if (name.starts_with("docs/chapters/")) return Pages::other_chapters;
    return name.starts_with("docs/") ? Pages::rest_of_docs : Pages::others;
}

// How many there were.
std::size_t compare_all(Pages group) {
    require_prerequisite(geteuid() == 0, "root");
    std::size_t count = 0;
    for (const std::filesystem::path& page : documentation_pages()) {
        if (group_of(page) != group) continue;
        std::vector<Transcript> transcripts = transcripts_of(page);
        count += transcripts.size();
        // From the last to the first, for rewriting one moves those behind it.
        std::reverse(transcripts.begin(), transcripts.end());
        for (const Transcript& transcript : transcripts) compare(transcript);
    }
    return count;
}

}  // namespace

TEST_CASE("the transcripts of chapters 2 to 6 are what the command prints", "[cli][kernel][docs]") {
    CHECK(compare_all(Pages::chapters_2_to_6) >= 8);
}

TEST_CASE("the transcripts of chapters 7 to 10 are what the command prints", "[cli][kernel][docs]") {
    CHECK(compare_all(Pages::other_chapters) >= 15);
}

TEST_CASE("the transcripts in the rest of docs are what the command prints", "[cli][kernel][docs]") {
    CHECK(compare_all(Pages::rest_of_docs) >= 1);
}

TEST_CASE("the transcripts in README.md, examples and exercises are what the command prints", "[cli][kernel][docs]") {
    CHECK(compare_all(Pages::others) >= 1);
}

namespace {

// The blocks between ``` of a page, each by the number of its first line, that no comment says the origin of.
std::vector<std::size_t> unmarked_blocks(const std::string& page) {
    std::vector<std::size_t> unmarked;
    const std::vector<std::string> lines = lines_of(page);
    const std::regex fence("^ *```"), mark("^ *<!-- (transcript|excerpt).* -->$");
    bool is_inside = false;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        if (!std::regex_search(lines[i], fence)) continue;
        is_inside = !is_inside;
        if (is_inside && (i == 0 || !std::regex_search(lines[i - 1], mark))) unmarked.push_back(i + 1);
    }
    return unmarked;
}

}  // namespace

TEST_CASE("each block of the pages is a transcript or an excerpt", "[cli][docs]") {
    CHECK(unmarked_blocks("text\n```\nno mark\n```\n") == std::vector<std::size_t>{2});
    CHECK(unmarked_blocks("<!-- excerpt: a.c -->\n```c\n```\n\n  ```\n  ```\n") == std::vector<std::size_t>{5});
    for (const std::filesystem::path& page : documentation_pages()) {
        // These are compared with what strace prints in reference_test.cpp.
        if (page.string().find("docs/reference/bpf-commands/") != std::string::npos) continue;
        for (const std::size_t line : unmarked_blocks(text_file(page))) {
            FAIL_CHECK(page << ":" << line << ": a block without <!-- transcript: ... --> or <!-- excerpt: ... -->");
        }
    }
}

// --- indented commands

namespace {

// "    ./loader OBJECT \" and the line that goes on with it are one; what stands behind, two spaces apart, is said of
// it.
std::vector<std::string> indented_commands(const std::string& page) {
    static const std::regex command("^    (\\./loader |build/examples/)");
    static const std::regex remark("^((?:'[^']*'|\"[^\"]*\"|\\S)+(?: (?:'[^']*'|\"[^\"]*\"|\\S)+)*)(  .*)?$");
    std::vector<std::string> found;
    bool goes_on = false;
    for (const std::string& line : lines_of(page)) {
        if (goes_on)
            found.back() += line.substr(std::min(line.find_first_not_of(' '), line.size()));
        else if (std::regex_search(line, command))
            found.push_back(line.substr(4));
        else
            continue;
        goes_on = found.back().ends_with("\\");
        if (goes_on) {
            found.back().pop_back();
            continue;
        }
        std::smatch parts;
        REQUIRE(std::regex_match(found.back(), parts, remark));
        found.back() = parts.str(1);
    }
    return found;
}

struct Exception {
    const char* command;  // a regular expression
    int status;           // what it ends with instead of 0; -1: it is not run
    const char* reason;
};

constexpr Exception exceptions[] = {
    {"example_chapter6_hello_verifier$", -1, "takes long, and chapter_test.cpp looks at all that it says"},
    {"example_chapter5_find_map my_config$", -1,
     "the map of the command before may be there still, or not; chapter_test.cpp has one that is"},
    {"chapter6/mistakes.bpf.o --program no_null_check", 1, "is there to be refused"},
};

const Exception* exception_of(const std::string& command) {
    for (const Exception& exception : exceptions)
        if (std::regex_search(command, std::regex(exception.command))) return &exception;
    return nullptr;
}

bool is_example(const std::string& command) {
    return command.starts_with("build/examples/");
}

// The command, and what makes it end. Its directory has what a reader's has: loader, build/ and progs/.
std::string ending(std::string command) {
    command = std::regex_replace(command, std::regex(" 2?> ?/dev/null| &$"), "");
    command = std::regex_replace(command, std::regex("/tmp/secret"), "$PWD/secret");
    if (is_example(command)) {
        // ^C when it has attached its programs, or waits for events; not before a handler for it is there.
        return command + " 2>narration & pid=$!; n=0\n" +
               "until grep -Eq '^epoll_ctl|IOC_ENABLE|RAW_TRACEPOINT_OPEN|LINK_CREATE|SO_ATTACH_BPF' narration; do\n"
               "    grep -q '^State:.[^Z]' /proc/$pid/status 2>/dev/null || break\n"
               "    n=$((n+1)); [ $n -lt 300 ] || break; sleep 0.1\n"
               "done\nsleep 0.2; kill -INT $pid; wait $pid; status=$?; cat narration >&2; exit $status\n";
    }
    static const std::regex ends("^\\./loader (list|probes|doctor|plan|inspect|test) | -c | --duration | --no-attach");
    if (command == "./loader doctor" || std::regex_search(command + " ", ends)) return command;
    if (command.starts_with("./loader step ")) return "echo c | " + command;
    return command + " -c true";
}

Said run_documented(const std::string& command) {
    const TemporaryDirectory directory;
    std::filesystem::create_symlink(build_dir(), directory / "build");
    std::filesystem::create_symlink(build_dir() / "bin/loader", directory / "loader");
    std::filesystem::create_symlink(source_dir() / "progs", directory / "progs");
    if (run("command -v ping").status != 0) {
        std::filesystem::create_directory(directory / "bin");
        std::filesystem::create_symlink(lines_of(run("command -v busybox").out).at(0), directory / "bin/ping");
    }
    const std::filesystem::path script = directory / "documented";
    write_file(script, "cd " + (directory / "").string() + "\nPATH=$PWD/bin:$PATH\n" + ending(command) + "\n");
    const bool has_network = std::regex_search(command, std::regex("\\b(near|lo)\\b"));
    const std::string run_script = "/bin/sh " + script.string();
    return run(has_network ? with_cable(run_script, directory) : run_script);
}

bool has_clang() {
    return run("command -v clang").status == 0;  // not in the virtual machines
}

// How many did what they are there for.
std::size_t run_all(Pages group) {
    require_prerequisite(geteuid() == 0, "root");
    require_prerequisite(run("command -v busybox").status == 0, "busybox");
    std::size_t ran = 0;
    for (const std::filesystem::path& page : documentation_pages()) {
        if (group_of(page) != group) continue;
        // An exercise's commands are of a program that is not finished.
        if (page.string().starts_with((source_dir() / "exercises").string())) continue;
        for (const std::string& command : indented_commands(text_file(page))) {
            INFO(page.filename() << ": " << command);
            if (command.find(".bpf.c ") != std::string::npos && !has_clang()) continue;
            const Exception* exception = exception_of(command);
            if (exception != nullptr && exception->status < 0) continue;
            Said said = run_documented(command);
            if (exception != nullptr) {
                INFO(exception->reason << "\n" << said.err);
                CHECK(said.status == exception->status);
            } else if (check_ran(command, said)) {
                ++ran;
            }
        }
    }
    return ran;
}

}  // namespace

TEST_CASE("an indented command goes on in the next line, and ends before what is said of it", "[cli][docs]") {
    const std::string page =
        "    ./loader a.o --set 'b=1  2' \\\n             --show c   and shows c\n"
        "  ./loader d.o\n    build/examples/e  # ^C\n    make\n    ./loader f.o -c \"g  h\" -q\n";
    CHECK(indented_commands(page) == std::vector<std::string>{"./loader a.o --set 'b=1  2' --show c",
                                                              "build/examples/e", "./loader f.o -c \"g  h\" -q"});
}

TEST_CASE("the indented commands of chapters 2 to 6 run, wherever the kernel has their hooks", "[cli][kernel][docs]") {
    CHECK(run_all(Pages::chapters_2_to_6) >= 12);
}

TEST_CASE("the indented commands of chapters 7 to 10 run, wherever the kernel has their hooks", "[cli][kernel][docs]") {
    CHECK(run_all(Pages::other_chapters) >= 18);
}

TEST_CASE("the indented commands of the rest of docs run", "[cli][kernel][docs]") {
    CHECK(run_all(Pages::rest_of_docs) >= 1);
}

TEST_CASE("the indented commands of README.md and of examples run", "[cli][kernel][docs]") {
    CHECK(run_all(Pages::others) >= 4);
}
