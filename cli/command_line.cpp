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
  loader test prog.o --packet tcp           run it on a packet, attached nowhere
  loader list progs                         what is loaded, and who keeps it there
  loader map dump counts                    what is in a loaded map
  loader probes execve                      what can be attached to
  loader doctor                             what this kernel and these privileges give

`loader COMMAND --help` tells more. Exit status: 0 done; 1 the kernel refused; 2 wrong usage; 3 the object is malformed,
or what was asked for does not exist; 4 privilege or kernel facility missing.)";

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

// `loader map dmp counts`: CLI11 would say no more than that a subcommand is required.
std::string misspelt_verb(const CLI::App& command, const std::vector<std::string>& arguments) {
    std::vector<std::string> names;
    for (const CLI::App* verb : command.get_subcommands([](const CLI::App*) { return true; }))
        names.push_back(verb->get_name());
    if (names.empty() || arguments.size() < 2 || arguments[1].starts_with('-')) return {};
    if (std::ranges::find(names, arguments[1]) != names.end()) return {};
    const std::string near = minibpf::nearest(arguments[1], std::vector<std::string_view>(names.begin(), names.end()));
    const std::string complaint = "There is no '" + command.get_name() + " " + arguments[1] + "'";
    return near.empty() ? complaint : complaint + "; did you mean '" + command.get_name() + " " + near + "'?";
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
    std::string misspelt = misspelt_command(arguments, names);
    // Those that are not given are for the list in --help, and else not worth the time that it takes to add them.
    const bool is_given = std::ranges::find(names, arguments.front()) != names.end();
    for (const Command& command : commands) {
        if (is_given && arguments.front() != command.name) continue;
        CLI::App* added = app.add_subcommand(command.name, command.about);
        if (arguments.front() != command.name) continue;
        action = command.declare(*added);
        if (misspelt.empty()) misspelt = misspelt_verb(*added, arguments);
    }

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
