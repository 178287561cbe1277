// Where things are said: programs' output on standard output, everything else on standard error.
#pragma once

#include <string_view>

#include <libminibpf/base/error.hpp>

namespace cli {

/// To be called once at the start. Gives the standard streams buffers of our own: left to itself the C library asks
/// each terminal with ioctl(TCGETS) whether it is one, and that call would stand in a strace of the loader but not in
/// its narration.
void prepare_streams();

/// Writes a line to standard output at once. When nobody reads any more (a closed pipe), asks the loader to stop.
void say(std::string_view line);

/// Writes a line to standard error.
void note(std::string_view line);

/// All five parts of an error, on standard error.
void print_error(const minibpf::Error& error);

/// Whether standard error is a terminal and NO_COLOR is not set.
bool use_color();

/// Whether to stop: ^C, SIGTERM, or a closed pipe.
bool should_stop();
void ask_to_stop();
void install_signal_handlers();

}  // namespace cli
