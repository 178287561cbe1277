// From arguments to the action of a subcommand: `loader prog.o` means `loader run prog.o`.
#include "command_line.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <vector>

#include <libminibpf/base/nearest.hpp>

#include "output.hpp"

namespace cli {

namespace {

constexpr const char* about =
    "minibpf's loader: loads a BPF object, attaches its programs and shows what they say,\n"
    "telling each system call as strace would.";

constexpr const char* main_examples = R"(Examples:
  loader progs/hello.bpf.c -c true          compile, load, attach, run `true`, show the lines, detach
  loader prog.o                             the same until ^C
  loader plan prog.o                        the calls that run would make, without making one
  loader step prog.o                        stop before each call, look at it, go on
  loader inspect --disasm prog.o            what is in the file
  loader probes execve                      what can be attached to
  loader doctor                             what this kernel and these privileges give

`loader COMMAND --help` tells more. Exit status: 0 done; 1 the kernel refused; 2 wrong usage; 3 the object is malformed
or asks for what does not exist; 4 privilege or kernel facility missing.)";

// CLI11 has options and flags, but nothing between: --trace takes a value with `=` only, lest it swallow OBJECT. With
// a value it becomes another option (declare_trace()).
std::vector<std::string> normalise(int argc, char** argv, std::span<const std::string_view> names) {
    std::vector<std::string> arguments(argv + 1, argv + argc);
    constexpr std::array<std::string_view, 4> top_level = {"-h", "--help", "--help-all", "--version"};
    if (arguments.empty()) return {"--help"};
    const bool is_command = std::ranges::find(names, arguments.front()) != names.end();
    const bool is_top_level = std::ranges::find(top_level, arguments.front()) != top_level.end();
    if (!is_command && !is_top_level) arguments.insert(arguments.begin(), "run");
    for (std::string& argument : arguments) {
        if (argument.starts_with("--trace=")) argument.insert(std::string_view("--trace").size(), "-to");
    }
    return arguments;
}

// `loader pan prog.o`: the first word is taken for an OBJECT, and the second is one too many.
std::string misspelt_command(const std::vector<std::string>& arguments, std::span<const std::string_view> names) {
    const bool is_run = arguments.size() > 2 && arguments.front() == "run";
    if (!is_run || std::filesystem::exists(arguments[1])) return {};
    const std::string near = minibpf::nearest(arguments[1], names);
    return near.empty() ? near : "There is no file '" + arguments[1] + "'; did you mean the command '" + near + "'?";
}

}  // namespace

Action parse_command_line(int argc, char** argv, std::span<const Command> commands, int& exit_status) {
    std::vector<std::string_view> names;
    for (const Command& command : commands) names.push_back(command.name);
    std::vector<std::string> arguments = normalise(argc, argv, names);

    CLI::App app(about, "loader");
    app.footer(main_examples);
    app.set_version_flag("--version", MINIBPF_VERSION);
    app.require_subcommand(1);
    Action action;
    for (const Command& command : commands) {
        CLI::App* added = app.add_subcommand(command.name, command.about);
        if (arguments.front() == command.name) action = command.declare(*added);
    }

    const std::string misspelt = misspelt_command(arguments, names);
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
    try {
        app.parse(arguments);
    } catch (const CLI::ParseError& error) {
        exit_status = app.exit(error) == 0 ? 0 : 2;
        if (exit_status != 0 && !misspelt.empty()) note(misspelt);
        return {};
    }
    return action;
}

}  // namespace cli
