// The `loader` command: composes the gates that a subcommand wants, and prints the one Error that may come up.
#include <cerrno>
#include <cstdio>
#include <iostream>
#include <memory>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <libminibpf/kernel/live_gate.hpp>
#include <libminibpf/narrate/dry_run_gate.hpp>
#include <libminibpf/narrate/narrating_gate.hpp>
#include <libminibpf/narrate/stepping_gate.hpp>

#include "inspect.hpp"
#include "output.hpp"
#include "session.hpp"

namespace cli {

namespace {

using namespace minibpf;

struct FileCloser {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

using File = std::unique_ptr<std::FILE, FileCloser>;

// With a descriptor far from the others, so that the object's own count from 3, as they do without a trace.
File open_out_of_the_way(const std::string& path) {
    constexpr int far = 100;
    const File near(std::fopen(path.c_str(), "we"));
    const int fd = near ? fcntl(fileno(near.get()), F_DUPFD_CLOEXEC, far) : -1;
    File file(fd >= 0 ? fdopen(fd, "w") : nullptr);
    if (!file)
        throw Error({.doing = fmt::format("opening {} for the trace", path),
                     .call = "open",
                     .code = errno,
                     .blame = Blame::usage});
    return file;
}

/// Where the narration goes: standard error, or the file of --trace=FILE.
class NarrationFile {
public:
    explicit NarrationFile(const RunOptions& options) {
        if (!options.trace || *options.trace == "-") return;
        owned_ = open_out_of_the_way(*options.trace);
        // A buffer of our own: the C library would ask with ioctl(TCGETS) whether a device such as /dev/tty is a
        // terminal.
        std::setvbuf(owned_.get(), buffer_, _IOFBF, sizeof(buffer_));
    }

    std::FILE* get() const noexcept { return owned_ ? owned_.get() : stderr; }

    /// To be called at the end: a trace that could not be written whole is an error.
    void finish() const {
        if (!owned_ || (std::fflush(owned_.get()) == 0 && std::ferror(owned_.get()) == 0)) return;
        throw Error({.doing = "writing the trace", .call = "write", .code = errno, .blame = Blame::usage});
    }

private:
    char buffer_[4096];
    File owned_;
};

NarrationOptions narration_options(const RunOptions& options, int to) {
    const bool to_file = options.trace && *options.trace != "-";
    return {.attr_size = options.attr_size,
            .reasons = !options.trace,
            .explain = options.explain,
            .color = !to_file && use_color(to)};
}

// A verifier's log has its place in the error of a run that ends with it; here the first line of each reason is enough.
void show_left_out(const Session& session) {
    const std::vector<ProgramState> left_out = session.summary();
    if (left_out.empty()) return;
    std::size_t widest = 0;
    for (const ProgramState& state : left_out) widest = std::max(widest, state.program.size());
    const std::size_t all = session.object().programs().size() + session.object().failed_programs().size();
    note(fmt::format("loader: {} of {} programs were left out:", left_out.size(), all));
    for (const ProgramState& state : left_out) {
        note(fmt::format("  {:<{}}  {:<12}  {}", state.program, widest, state.state, state.error->what()));
    }
}

void show_attached(const Session& session, const RunOptions& options) {
    show_left_out(session);
    if (options.quiet) return;
    for (const Link& link : session.links()) note(fmt::format("loader: attached: {}", link.description()));
    if (session.links().empty()) note("loader: loaded, not attached");
    const bool until_stopped = options.command.empty() && !options.duration_ms && !options.count;
    if (session.waits() && until_stopped) note("loader: running; ^C ends");
}

void run_session(KernelGate& gate, const RunOptions& options) {
    Session session(gate, options);
    show_attached(session, options);
    session.run();
}

void run(const RunOptions& options) {
    LiveGate live(options.attr_size);
    const NarrationFile file(options);
    NarratingGate narrating(live, FileSink(file.get()), narration_options(options, STDERR_FILENO));
    const bool narrate = !options.quiet || options.trace;
    run_session(narrate ? static_cast<KernelGate&>(narrating) : live, options);
    file.finish();
}

void plan(const RunOptions& options) {
    LiveGate live(options.attr_size);
    DryRunGate dry_run(live);
    const NarrationFile file(options);
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

void step(const RunOptions& options) {
    if (options.object == "-") {
        throw Error({.doing = "step -: the object and the answers cannot both come from standard input",
                     .hint = "give the object's file",
                     .blame = Blame::usage});
    }
    LiveGate live(options.attr_size);
    const NarrationFile file(options);
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

void run_command(const CommandLine& command_line) {
    switch (command_line.command) {
        case Command::run: run(command_line.run); break;
        case Command::plan: plan(command_line.run); break;
        case Command::step: step(command_line.run); break;
        case Command::inspect: inspect(command_line.inspect); break;
    }
}

}  // namespace

}  // namespace cli

int main(int argc, char** argv) {
    cli::prepare_streams();
    int exit_status = 0;
    const std::optional<cli::CommandLine> command_line = cli::parse_command_line(argc, argv, exit_status);
    if (!command_line) return exit_status;
    try {
        cli::run_command(*command_line);
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
