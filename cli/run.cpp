// `loader run`: load, attach, show what the programs say, detach.
#include "run.hpp"

#include <algorithm>
#include <memory>

#include <fmt/format.h>
#include <unistd.h>

#include <libminibpf/kernel/live_gate.hpp>

#include "command.hpp"
#include "output.hpp"
#include "session.hpp"

namespace cli {

using namespace minibpf;

namespace {

constexpr const char* run_examples = R"(Examples:
  loader prog.o -c 'ls /'                                      until `ls /` has ended
  loader prog.o --update 'config[0]="Hey root!"' --events output:data_t --duration 5s
  loader prog.o --update 'jump_table[2]=on_tcp'                tail calls of index 2 go to the program on_tcp
  loader prog.o --show counts --interval 1s
  loader prog.o --attach hello=kprobe:do_sys_openat2 --attach hello=kprobe:do_unlinkat
  loader prog.o --attach hello=uprobe:libc:malloc --pid 4711   a function of one process's C library
  loader prog.o --attach hello=usdt:/usr/sbin/mysqld:mysql:query__start
  loader prog.o --attach 'profile=perf_event:cpu-clock@99' --show stacks --duration 10s
  loader prog.o --attach dump=iter:bpf_map_elem,map=counts     what an iterator writes is printed
  loader --type tracepoint --attach tracepoint:syscalls/sys_enter_execve prog.text
  loader prog.o --keep-going                                   what this kernel lacks does not spoil the rest
  loader prog.o --map events.max_entries=256K                  a larger ring buffer than the source says
  loader prog.o -q | grep bash                                 programs' output is standard output
  loader prog.o --trace=calls.txt                              strace's lines, to a file)";

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

void run(const RunOptions& options) {
    LiveGate live(options.attr_size);
    const NarrationFile file(options.trace);
    NarratingGate narrating(live, FileSink(file.get()), narration_options(options, STDERR_FILENO));
    const bool narrate = !options.quiet || options.trace;
    run_session(narrate ? static_cast<KernelGate&>(narrating) : live, options);
    file.finish();
}

}  // namespace

NarrationOptions narration_options(const RunOptions& options, int to) {
    const bool to_file = options.trace && *options.trace != "-";
    return {.attr_size = options.attr_size,
            .reasons = !options.trace,
            .explain = options.explain,
            .color = !to_file && use_color(to)};
}

void run_session(KernelGate& gate, const RunOptions& options) {
    Session session(gate, options);
    show_attached(session, options);
    session.run();
}

Action declare_run(CLI::App& app) {
    const auto options = std::make_shared<RunOptions>();
    declare_run_options(app, *options);
    app.footer(run_examples);
    return [options] { run(*options); };
}

}  // namespace cli
