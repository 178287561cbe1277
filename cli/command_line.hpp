// The command line, by CLI11: which subcommand was given, and what it is to do.
#pragma once

#include <span>

#include "command.hpp"

namespace cli {

/// Parses the arguments. No action when all has been said (--help, --version, a mistake): `exit_status` then holds 0
/// or 2.
Action parse_command_line(int argc, char** argv, std::span<const Command> commands, int& exit_status);

}  // namespace cli
