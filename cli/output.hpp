// Where things are said: programs' output on standard output, everything else on standard error.
#pragma once

#include <string>
#include <string_view>

#include <libminibpf/base/error.hpp>

namespace cli {

/// To be called once at the start. Gives the standard streams buffers of our own: left to itself the C library asks
/// each terminal with ioctl(TCGETS) whether it is one, and that call would stand in a strace of the loader but not in
/// its narration.
void prepare_streams();

/// Puts a line on standard output; flush_output() sends it off.
void say(std::string_view line);

/// Puts text on standard output that has its own line ends.
void say_as_it_is(std::string_view text);

/// Sends off what was said. When nobody reads any more (a closed pipe), asks the loader to stop; when it cannot be
/// written (a full disk), throws minibpf::Error.
void flush_output();

/// The text with control characters as \xNN: what processes call themselves is not to command a terminal.
std::string printable(std::string_view text);

/// Writes a line to standard error.
void note(std::string_view line);

/// All five parts of an error, on standard error.
void print_error(const minibpf::Error& error);

/// Whether the descriptor is a terminal and NO_COLOR is not set.
bool use_color(int fd);

/// Whether to stop: ^C, SIGTERM, or a closed pipe.
bool should_stop();
void ask_to_stop();
/// From now on ^C, SIGTERM and a hangup ask the loader to stop, and to undo what it did; before, they simply end it,
/// for the kernel closes what was opened. Signals that the loader was started to ignore (nohup) stay ignored.
void catch_signals();

}  // namespace cli
