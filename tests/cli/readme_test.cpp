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
#include <algorithm>
#include <regex>
#include <set>

#include <sys/utsname.h>

#include <tests/catch.hpp>
#include <tests/skip.hpp>

#include "command.hpp"
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
        if (known.insert(without_numbers(line).substr(0, 100)).second) lines.push_back(line);
    }
    return lines;
}

// Where a line was cut depends on the length of its numbers; so of two lines that were, the end does not count.
bool same_line(const std::string& documented, const std::string& printed) {
    const auto head = [](const std::string& line) { return without_numbers(line).substr(0, 100); };
    const auto is_cut = [](const std::string& line) { return line.size() == 160 && line.ends_with("..."); };
    std::string a = head(documented), b = head(printed);
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

void compare(const Transcript& transcript) {
    INFO(transcript.file.filename() << ": ./loader " << transcript.command);
    const std::string output = output_of(transcript);
    if (environment_says("MINIBPF_REWRITE")) return rewrite(transcript, output);
    const std::vector<std::string> documented = lines_once(transcript.text);
    const std::vector<std::string> printed = lines_once(output);
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
