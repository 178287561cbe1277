// A subcommand: its name, its line in --help, and how its options are declared. main.cpp lists them all.
#pragma once

#include <functional>

#include <CLI/CLI.hpp>

namespace cli {

/// What a subcommand does once its arguments are known.
using Action = std::function<void()>;

struct Command {
    const char* name;
    const char* about;
    /// Declares arguments, options and examples (the footer of its help). Only the command that was given has its own
    /// declared: to declare them all takes longer than to load an object (docs/decisions/0008-how-the-command-starts).
    Action (*declare)(CLI::App& app);
};

Action declare_run(CLI::App& app);
Action declare_plan(CLI::App& app);
Action declare_step(CLI::App& app);
Action declare_inspect(CLI::App& app);
Action declare_list(CLI::App& app);
Action declare_map(CLI::App& app);
Action declare_link(CLI::App& app);
Action declare_prog(CLI::App& app);
Action declare_test(CLI::App& app);
Action declare_probes(CLI::App& app);
Action declare_doctor(CLI::App& app);
Action declare_check(CLI::App& app);

}  // namespace cli
