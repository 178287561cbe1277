// `loader plan`: the calls that run would make, in order; makes none.
#include <memory>

#include <unistd.h>

#include <libminibpf/kernel/live_gate.hpp>
#include <libminibpf/narrate/dry_run_gate.hpp>

#include "command.hpp"
#include "run.hpp"
#include "session.hpp"

namespace cli {

using namespace minibpf;

namespace {

constexpr const char* plan_examples = R"(Examples:
  loader plan prog.o
  loader plan --attr-size book --trace prog.o                  strace's lines only, attrs of 128 bytes as in the book
What only matters once the programs run (-c, --duration, --show, ...) is taken, so that a run's command line can be planned,
and leaves no trace in the plan.)";

void plan(const RunOptions& options) {
    LiveGate live(options.attr_size);
    DryRunGate dry_run(live);
    const NarrationFile file(options.trace);
    // What a plan says is its output, so it goes to standard output.
    std::FILE* to = options.trace && *options.trace != "-" ? file.get() : stdout;
    const FileSink sink(to);
    NarratingGate narrating(dry_run, sink, narration_options(options, STDOUT_FILENO));
    {
        const Session session(narrating, options);
        if (!options.trace) sink("# here run would show events, until ^C; then it undoes what it did, in reverse");
    }
    file.finish();
}

}  // namespace

Action declare_plan(CLI::App& app) {
    const auto options = std::make_shared<RunOptions>();
    options->is_plan = true;
    declare_run_options(app, *options);
    app.footer(plan_examples);
    return [options] { plan(*options); };
}

}  // namespace cli
