// The command line, by CLI11: options, their help, and examples that can be copied.
#include "options.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <map>
#include <string_view>

#include <CLI/CLI.hpp>

#include <libminibpf/base/nearest.hpp>

#include "output.hpp"
#include "units.hpp"

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

`loader COMMAND --help` tells more. Exit status: 0 done; 1 the kernel refused; 2 wrong usage; 3 the object is malformed
or asks for what does not exist; 4 privilege or kernel facility missing.)";

constexpr const char* run_examples = R"(Examples:
  loader prog.o -c 'ls /'                                      until `ls /` has ended
  loader prog.o --update 'config[0]="Hey root!"' --events output:data_t --duration 5s
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

constexpr const char* plan_examples = R"(Examples:
  loader plan prog.o
  loader plan --attr-size book --trace prog.o                  strace's lines only, attrs of 128 bytes as in the book
What only matters once the programs run (-c, --duration, --show, ...) is taken, so that a run's command line can be planned,
and leaves no trace in the plan.)";

constexpr const char* step_examples = R"(At each stop: Enter makes the call, c runs on, q undoes everything done so far.
Examples:
  loader step prog.o
  loader step prog.o -c true)";

constexpr const char* inspect_examples = R"(Examples:
  loader inspect prog.o
  loader inspect --disasm --relocations prog.o
  loader inspect --type tracepoint prog.text)";

constexpr std::array<std::string_view, 4> command_names = {"run", "plan", "step", "inspect"};

std::string check_time(std::string& text) {
    if (!parse_milliseconds(text)) return "'" + text + "' is no time: write 500ms, 2s or 1m";
    return {};
}

std::string check_command(std::string& text) {
    return text.empty() ? "an empty command" : "";
}

std::string check_count(std::string& text) {
    long count = 0;
    const auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (problem != std::errc() || rest != text.data() + text.size() || count < 1)
        return "'" + text + "' is no number of events";
    return {};
}

void add_object_options(CLI::App& app, RunOptions& options) {
    app.add_option("OBJECT", options.object,
                   "a .o, a .bpf.c (compiled by clang first), raw instructions with --type, or - for standard input")
        ->required();
    app.add_option("--program", options.programs, "load only this program (may be repeated)")
        ->type_name("NAME")
        ->allow_extra_args(false);
    app.add_flag("-k,--keep-going", options.keep_going,
                 "go on without programs that cannot be loaded or attached, and sum up at the end");
    app.add_option("--btf", options.btf,
                   "fit CO-RE accesses to the types in this file (ELF or raw) instead of the running kernel's")
        ->type_name("FILE");
    app.add_option("--map", options.map,
                   "change a map before the load: max_entries, value_size, key_size, map_flags, type, map_extra, "
                   "numa_node or pin")
        ->type_name("MAP.FIELD=VALUE")
        ->allow_extra_args(false);
    app.add_option("--target", options.target,
                   "the loaded program, by id or pin, that a freplace, fentry or fexit program is for")
        ->type_name("PROGRAM=ID|PATH")
        ->allow_extra_args(false);
    app.add_option("--pin-directory", options.pin_directory,
                   "where maps that are pinned by name are found and pinned (/sys/fs/bpf)")
        ->type_name("DIR");
    app.add_option("--type", options.type,
                   "the program's type, where its section does not say: tracepoint, kprobe, xdp, ...")
        ->type_name("TYPE");
    app.add_option("--license", options.license, "the license of raw instructions (GPL)")->type_name("TEXT");
    app.add_option("--cflags", options.cflags, "more options for clang, when OBJECT is a .bpf.c (write --cflags=-DX)")
        ->type_name("FLAGS")
        ->allow_extra_args(false);
    app.add_option("--set", options.set, "set a global variable before the load")
        ->type_name("VARIABLE=VALUE")
        ->allow_extra_args(false);
    app.add_option("--attach", options.attach, "attach a program to a hook instead of where its section says")
        ->type_name("PROGRAM=HOOK")
        ->allow_extra_args(false);
    app.add_flag("--no-attach", options.no_attach, "load only");
    CLI::Option* link = app.add_flag("--link", options.use_link, "attach by BPF_LINK_CREATE");
    app.add_flag("--older", options.use_older,
                 "attach as before there were links: ioctl, BPF_PROG_ATTACH, for XDP netlink")
        ->excludes(link);
    app.add_flag("--tracefs-kprobes", options.tracefs_kprobes,
                 "make kprobes and uprobes by kprobe_events and uprobe_events in tracefs instead of their PMUs");
    app.add_option("--pid", options.pid, "uprobes and USDT probes: in this process only")
        ->type_name("PID")
        ->check(CLI::PositiveNumber);
    app.add_option("--cookie", options.cookie,
                   "what bpf_get_attach_cookie() gives the program; attaches it by BPF_LINK_CREATE")
        ->type_name("PROGRAM=NUMBER")
        ->allow_extra_args(false);
    app.add_option("--maxactive", options.maxactive,
                   "how many calls a kretprobe follows at once, where the kernel's own number misses some")
        ->type_name("N")
        ->check(CLI::Range(1u, 4096u));
    app.add_option("--update", options.update, "set a map's element once the programs are attached")
        ->type_name("MAP[KEY]=VALUE")
        ->allow_extra_args(false);
    app.add_option("--events", options.events,
                   "show this map's events, typed by BTF (all perf and ring buffers are shown)")
        ->type_name("MAP[:TYPE]")
        ->allow_extra_args(false);
    static const std::map<std::string, minibpf::AttrSize> sizes = {{"minimal", minibpf::AttrSize::minimal},
                                                                   {"book", minibpf::AttrSize::book}};
    app.add_option("--attr-size", options.attr_size, "bytes of bpf_attr: minimal, or book (128, as BCC passes)")
        ->transform(CLI::CheckedTransformer(sizes))
        ->type_name("minimal|book");
}

void add_run_options(CLI::App& app, RunOptions& options) {
    app.add_option("-c,--command", options.command, "run this once everything is attached, and end when it ends")
        ->type_name("CMD")
        ->check(CLI::Validator(check_command, ""));
    app.add_option_function<std::string>(
           "--duration", [&](const std::string& text) { options.duration_ms = parse_milliseconds(text); },
           "end after this time")
        ->type_name("TIME")
        ->check(CLI::Validator(check_time, ""));
    app.add_option("--count", options.count, "end after this many events")
        ->type_name("N")
        ->check(CLI::Validator(check_count, ""));
    app.add_option("--show", options.show, "show this map's contents every --interval and at the end")
        ->type_name("MAP")
        ->allow_extra_args(false);
    app.add_option_function<std::string>(
           "--interval", [&](const std::string& text) { options.interval_ms = *parse_milliseconds(text); },
           "how often --show shows (2s)")
        ->type_name("TIME")
        ->check(CLI::Validator(check_time, ""));
    app.add_flag("--all-lines", options.all_lines,
                 "show what every BPF program prints to trace_pipe, not only this object's");
}

void add_narration_options(CLI::App& app, RunOptions& options) {
    app.add_flag("-q,--quiet", options.quiet, "no narration, no status: only what the programs say");
    app.add_flag_callback(
        "--trace",
        [&] {
            if (!options.trace) options.trace = "-";
        },
        "only strace's lines, to standard error; --trace=FILE: to a file");
    app.add_flag("--explain", options.explain, "more about each call and its puzzling fields");
}

// CLI11 has options and flags, but nothing between: --trace takes a value with `=` only, lest it swallow OBJECT.
// `loader prog.o` means `loader run prog.o`.
std::vector<std::string> normalise(int argc, char** argv, RunOptions& options) {
    std::vector<std::string> arguments(argv + 1, argv + argc);
    const std::array<std::string_view, 4> top_level = {"-h", "--help", "--help-all", "--version"};
    const bool is_command = !arguments.empty() && std::find(command_names.begin(), command_names.end(),
                                                            arguments.front()) != command_names.end();
    const bool is_top_level =
        !arguments.empty() && std::find(top_level.begin(), top_level.end(), arguments.front()) != top_level.end();
    if (!is_command && !is_top_level) arguments.insert(arguments.begin(), arguments.empty() ? "--help" : "run");
    for (std::string& argument : arguments) {
        constexpr std::string_view trace = "--trace=";
        if (!argument.starts_with(trace)) continue;
        options.trace = argument.substr(trace.size());
        argument = "--trace";
    }
    return arguments;
}

void add_inspect_options(CLI::App& app, InspectOptions& options) {
    app.add_option("OBJECT", options.object, "a .o, a .bpf.c, raw instructions with --type, or - for standard input")
        ->required();
    app.add_option("--type", options.type, "the program type of raw instructions: tracepoint, kprobe, xdp, ...")
        ->type_name("TYPE");
    app.add_option("--cflags", options.cflags, "more options for clang, when OBJECT is a .bpf.c")
        ->type_name("FLAGS")
        ->allow_extra_args(false);
    app.add_flag("--disasm", options.disassemble, "the instructions of each function");
    app.add_flag("--relocations", options.relocations, "each relocated instruction before and after");
    app.add_flag("--btf", options.btf, "every type");
    app.footer(inspect_examples);
}

// The options of the command that was given, and none of the others: making them takes longer than loading an object.
void add_command(CLI::App& app, CommandLine& parsed, const std::vector<std::string>& arguments, Command command,
                 const char* name, const char* about_it, const char* examples) {
    CLI::App* added = app.add_subcommand(name, about_it);
    if (std::ranges::find(arguments, name) == arguments.end()) return;
    added->final_callback([&parsed, command] {
        parsed.command = command;
        parsed.run.is_plan = command == Command::plan;
    });
    if (command == Command::inspect) return add_inspect_options(*added, parsed.inspect);
    add_object_options(*added, parsed.run);
    add_run_options(*added, parsed.run);
    add_narration_options(*added, parsed.run);
    added->footer(examples);
}

// `loader pan prog.o`: the first word is taken for an OBJECT, and the second is one too many.
std::string misspelt_command(const std::vector<std::string>& arguments) {
    const bool is_run = arguments.size() > 2 && arguments.front() == "run";
    if (!is_run || std::filesystem::exists(arguments[1])) return {};
    const std::string near = minibpf::nearest(arguments[1], command_names);
    return near.empty() ? near : "There is no file '" + arguments[1] + "'; did you mean the command '" + near + "'?";
}

}  // namespace

std::optional<CommandLine> parse_command_line(int argc, char** argv, int& exit_status) {
    CommandLine parsed;
    CLI::App app(about, "loader");
    app.footer(main_examples);
    app.set_version_flag("--version", MINIBPF_VERSION);
    app.require_subcommand(1);
    std::vector<std::string> arguments = normalise(argc, argv, parsed.run);
    add_command(app, parsed, arguments, Command::run, "run",
                "load, attach, show what the programs say until ^C, detach (the default)", run_examples);
    add_command(app, parsed, arguments, Command::plan, "plan",
                "show the calls that run would make; makes none, needs no privilege", plan_examples);
    add_command(app, parsed, arguments, Command::step, "step", "run, stopping before each call", step_examples);
    add_command(app, parsed, arguments, Command::inspect, "inspect", "show what is in an object file",
                inspect_examples);

    const std::string misspelt = misspelt_command(arguments);
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
    try {
        app.parse(arguments);
    } catch (const CLI::ParseError& error) {
        exit_status = app.exit(error) == 0 ? 0 : 2;
        if (exit_status != 0 && !misspelt.empty()) note(misspelt);
        return std::nullopt;
    }
    return parsed;
}

}  // namespace cli
