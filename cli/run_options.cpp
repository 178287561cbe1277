// What run, plan and step are asked: by CLI11, into plain data.
#include "run_options.hpp"

#include <charconv>
#include <map>

#include "units.hpp"

namespace cli {

namespace {

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

void add_attach_options(CLI::App& app, RunOptions& options) {
    app.add_flag("-k,--keep-going", options.keep_going,
                 "go on without programs that cannot be loaded or attached, and sum up at the end");
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

}  // namespace

void declare_load_options(CLI::App& app, RunOptions& options) {
    app.add_option("OBJECT", options.object,
                   "a .o, a .bpf.c (compiled by clang first), raw instructions with --type, or - for standard input");
    app.add_option("--program", options.programs, "load only this program (may be repeated)")
        ->type_name("NAME")
        ->allow_extra_args(false);
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
    app.add_option(
           "--log-level", options.log_level,
           "show what the verifier writes: 1 the path that it took, 2 each instruction and its registers, 4 how "
           "much work it was; or a sum of these")
        ->type_name("1..7")
        ->check(CLI::Range(1u, 7u));
    app.add_option("--set", options.set, "set a global variable before the load")
        ->type_name("VARIABLE=VALUE")
        ->allow_extra_args(false);
    app.add_option("--update", options.update,
                   "set a map's element once the programs are attached; a program array takes, before that, a program "
                   "(of OBJECT by name, or a loaded one by id or pin), a map of maps a map")
        ->type_name("MAP[KEY]=VALUE")
        ->allow_extra_args(false);
}

void declare_run_options(CLI::App& app, RunOptions& options) {
    declare_load_options(app, options);
    app.get_option("OBJECT")->required();
    add_attach_options(app, options);
    add_run_options(app, options);
    app.add_flag("-q,--quiet", options.quiet, "no narration, no status: only what the programs say");
    declare_trace(app, options.trace);
    app.add_flag("--explain", options.explain, "more about each call and its puzzling fields");
}

}  // namespace cli
