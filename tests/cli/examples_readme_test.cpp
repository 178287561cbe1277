// The table of examples/README.md: its command lines run, and no example is missing.
#include <algorithm>
#include <regex>

#include <tests/catch.hpp>
#include <tests/kernel/network.hpp>
#include <tests/skip.hpp>

#include "command.hpp"

using namespace minibpf::test;

namespace {

std::string examples_readme() {
    return text_file(source_dir() / "examples/README.md");
}

// What stands in backquotes and begins with `begin`, with paths of this build.
std::vector<std::string> command_lines(const std::string& begin) {
    const std::string text = examples_readme();
    const std::regex quoted("`(" + begin + "[^`]*)`");
    std::vector<std::string> found;
    for (std::sregex_iterator at(text.begin(), text.end(), quoted), end; at != end; ++at)
        found.push_back(std::regex_replace(std::string((*at)[1]), std::regex("build/"), build_dir().string() + "/"));
    return found;
}

// "./loader OPTIONS" as the built command with options before them.
std::string loader_with(const std::string& options, const std::string& command) {
    return loader() + " " + options + command.substr(std::string("./loader").size());
}

}  // namespace

TEST_CASE("examples/README.md has every example", "[cli]") {
    const std::string text = examples_readme();
    for (const auto& file : std::filesystem::recursive_directory_iterator(source_dir() / "examples")) {
        if (file.path().extension() != ".cpp") continue;
        std::string name = std::filesystem::relative(file.path(), source_dir() / "examples").replace_extension();
        std::replace(name.begin(), name.end(), '/', '_');
        INFO(name);
        CHECK(std::regex_search(text, std::regex("`build/examples/example_" + name + "[ `]")));
    }
}

TEST_CASE("examples/README.md's examples are there", "[cli][kernel]") {
    const std::vector<std::string> commands = command_lines("build/examples/");
    CHECK(commands.size() >= 20);
    for (const std::string& command : commands) {
        INFO(command);
        CHECK(std::filesystem::exists(command.substr(0, command.find(' '))));
    }
}

TEST_CASE("examples/README.md's commands run, wherever the kernel has their hooks", "[cli][kernel]") {
    require_prerequisite(geteuid() == 0, "root");
    const NetworkNamespace network;  // several attach to lo
    const std::vector<std::string> commands = command_lines("\\./loader ");
    CHECK(commands.size() >= 20);
    int ran = 0;
    for (const std::string& command : commands) {
        INFO(command);
        const Said said = run(loader_with("-q -c \"sh -c '/bin/true; cat /etc/passwd'\"", command));
        INFO("standard error: " << said.err.substr(0, 2000));
        CHECK((said.status == 0 || said.status == 4));
        if (said.status == 0) ++ran;
    }
    CHECK(ran >= 10);  // those at tracepoints, raw tracepoints, XDP and perf events, which every kernel has
}
