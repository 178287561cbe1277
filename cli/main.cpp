// The `loader` command: its subcommands, and the one Error that may come up.
#include <fmt/format.h>

#include <libminibpf/base/error.hpp>

#include "command_line.hpp"
#include "output.hpp"

namespace {

constexpr cli::Command commands[] = {
    {"run", "load, attach, show what the programs say until ^C, detach (the default)", cli::declare_run},
    {"plan", "show the calls that run would make; makes none, needs no privilege", cli::declare_plan},
    {"step", "run, stopping before each call", cli::declare_step},
    {"inspect", "show what is in an object file", cli::declare_inspect},
    {"list", "show what is loaded in the kernel: programs, maps, links, BTF", cli::declare_list},
    {"map", "look into a loaded map and change it: dump, get, set, delete, pin", cli::declare_map},
    {"link", "detach, update or pin a link", cli::declare_link},
    {"prog", "show, dump or pin a loaded program", cli::declare_prog},
    {"test", "run a program on a packet or a context, attached nowhere", cli::declare_test},
    {"probes", "list what can be attached to", cli::declare_probes},
    {"doctor", "say what this machine gives to programs; tidy up after killed loaders", cli::declare_doctor},
    {"check", "look at what your solution of an exercise really does", cli::declare_check},
};

}  // namespace

int main(int argc, char** argv) {
    cli::prepare_streams();
    int exit_status = 0;
    const cli::Action action = cli::parse_command_line(argc, argv, commands, exit_status);
    if (!action) return exit_status;
    try {
        action();
        cli::flush_output();
        return 0;
    } catch (const minibpf::Error& error) {
        cli::print_error(error);
        return static_cast<int>(error.detail().blame);
    } catch (const std::bad_alloc&) {
        cli::note("loader: out of memory");
        return 1;
    } catch (const std::exception& error) {
        cli::note(
            fmt::format("loader: {}: this should have been caught sooner, and is a bug of minibpf", error.what()));
        return 1;
    }
}
