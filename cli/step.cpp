// `loader step`: run, stopping before each call.
#include <iostream>
#include <memory>

#include <unistd.h>

#include <libminibpf/kernel/live_gate.hpp>
#include <libminibpf/narrate/stepping_gate.hpp>

#include "command.hpp"
#include "output.hpp"
#include "run.hpp"

namespace cli {

using namespace minibpf;

namespace {

constexpr const char* step_examples = R"(At each stop: Enter makes the call, c runs on, q undoes everything done so far.
Examples:
  loader step prog.o
  loader step prog.o -c true)";

void step(const RunOptions& options) {
    if (options.object == "-") {
        throw Error({.doing = "step -: the object and the answers cannot both come from standard input",
                     .hint = "give the object's file",
                     .blame = Blame::usage});
    }
    LiveGate live(options.attr_size);
    const NarrationFile file(options.trace);
    NarratingGate narrating(live, FileSink(file.get()), narration_options(options, STDERR_FILENO));
    KernelGate& below = options.trace ? static_cast<KernelGate&>(narrating) : live;
    SteppingGate stepping(below, std::cin, std::cerr, {.attr_size = options.attr_size});
    try {
        run_session(stepping, options);
    } catch (const Error& error) {
        if (!stepping.has_quit()) throw;
        note("loader: stopped as asked; everything that was done has been undone");
    }
    file.finish();
}

}  // namespace

Action declare_step(CLI::App& app) {
    const auto options = std::make_shared<RunOptions>();
    declare_run_options(app, *options);
    app.footer(step_examples);
    return [options] { step(*options); };
}

}  // namespace cli
