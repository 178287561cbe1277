// The transcripts of README.md and docs/ are what the command prints. A block stands behind a comment that names its
// command:
//
//     <!-- transcript: ./loader progs/hello.bpf.o -c true -->
//
// Numbers differ from machine to machine (addresses, pids, times, a tracepoint's id), so all are compared as N. With
// MINIBPF_REWRITE=1 in the environment the test writes the blocks anew instead.
#include <regex>

#include <tests/catch.hpp>
#include <tests/skip.hpp>

#include "command.hpp"

using namespace minibpf::test;

namespace {

struct Transcript {
    std::filesystem::path file;
    std::string command;
    std::size_t begin = 0;  ///< of the block's text in the file
    std::string text;
};

std::vector<Transcript> transcripts_of(const std::filesystem::path& file) {
    constexpr std::string_view marker = "<!-- transcript: ./loader ";
    const std::string content = text_file(file);
    std::vector<Transcript> found;
    for (std::size_t at = content.find(marker); at != std::string::npos; at = content.find(marker, at + 1)) {
        const std::size_t command = at + marker.size();
        const std::size_t begin = content.find("```\n", command) + 4;
        const std::size_t end = content.find("```\n", begin);
        REQUIRE(end != std::string::npos);
        found.push_back({.file = file,
                         .command = content.substr(command, content.find(" -->", command) - command),
                         .begin = begin,
                         .text = content.substr(begin, end - begin)});
    }
    return found;
}

// The two streams in the order in which a terminal shows them, cut to 160 columns.
std::string output_of(const std::string& command) {
    const Said said = run("cd " + build_dir().string() + " && " + loader() + " " + command + " 2>&1");
    std::string text;
    for (const std::string& line : lines_of(said.out))
        text += (line.size() > 160 ? line.substr(0, 157) + "..." : line) + "\n";
    return text;
}

std::string without_numbers(std::string text) {
    text = std::regex_replace(text, std::regex(R"(btf="[^"]*"(\.\.\.)?)"), "btf=BYTES");
    text = std::regex_replace(text, std::regex("0x[0-9a-f]+|[0-9]+"), "N");
    text = std::regex_replace(text, std::regex(R"([^ ]+-N +\[N\] [^ ]+ +N\.N:)"), "TASK [N] FLAGS TIME:");
    return std::regex_replace(text, std::regex(" +"), " ");
}

// A busy machine runs other commands meanwhile, and each makes the program print its line once more.
std::vector<std::string> lines_once(const std::string& text) {
    std::vector<std::string> lines;
    for (const std::string& line : lines_of(text)) {
        const bool again = !lines.empty() && line.find("bpf_trace_printk") != std::string::npos &&
                           without_numbers(line) == without_numbers(lines.back());
        if (!again) lines.push_back(line);
    }
    return lines;
}

// Where a line was cut depends on the length of its numbers.
bool same_line(const std::string& documented, const std::string& printed) {
    const auto head = [](const std::string& line) { return line.substr(0, 100); };
    return head(without_numbers(documented)) == head(without_numbers(printed));
}

void rewrite(const Transcript& transcript, const std::string& output) {
    std::string content = text_file(transcript.file);
    content.replace(transcript.begin, transcript.text.size(), output);
    write_file(transcript.file, content);
}

}  // namespace

TEST_CASE("the transcript in README.md is what the command prints", "[cli][kernel][docs]") {
    require_prerequisite(geteuid() == 0, "root");
    const std::vector<Transcript> transcripts = transcripts_of(source_dir() / "README.md");
    REQUIRE(transcripts.size() == 1);
    for (const Transcript& transcript : transcripts) {
        INFO("./loader " << transcript.command);
        const std::string output = output_of(transcript.command);
        if (environment_says("MINIBPF_REWRITE")) {
            rewrite(transcript, output);
            continue;
        }
        const std::vector<std::string> documented = lines_once(transcript.text);
        const std::vector<std::string> printed = lines_once(output);
        REQUIRE(documented.size() == printed.size());
        for (std::size_t i = 0; i < printed.size(); ++i) {
            INFO("documented: " << documented[i]);
            INFO("printed:    " << printed[i]);
            CHECK(same_line(documented[i], printed[i]));
        }
    }
}
