// `loader test`: a program runs on made-up input, attached nowhere.
#include <algorithm>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <libminibpf/btf/value.hpp>
#include <libminibpf/events/trace_pipe.hpp>
#include <libminibpf/kernel/files.hpp>
#include <libminibpf/load/loaded.hpp>
#include <libminibpf/load/test_run.hpp>

#include "command.hpp"
#include "json.hpp"
#include "load_object.hpp"
#include "map_updates.hpp"
#include "open_object.hpp"

namespace cli {

using namespace minibpf;

namespace {

constexpr const char* test_examples = R"(Examples:
  loader test xdp_prog.o --packet tcp                          what does it return, and what becomes of the packet?
  loader test xdp_prog.o --data packet.bin --repeat 1000000    how long does a run take?
  loader test prog.o --program on_tcp --set port=80 --json
  loader test prog.o --program entry --update 'jump_table[2]=on_tcp' --packet tcp
  loader test raw_tp_prog.o --context arguments.bin --cpu 1
  loader test --loaded xdp_prog --packet udp6                  a program that is loaded already

Loaded are the program and what tables have for it to tail-call; with several --program the first is run. Packet programs
(XDP, tc, socket filters, cgroup_skb, lwt, flow dissectors) take a packet, and the udp one if nothing is said; it goes from
10.0.0.1 to 10.0.0.2 or from fd00::1 to fd00::2. Raw tracepoints, sk_lookup and syscall programs take --context. Others have
to be attached: loader run.)";

struct TestOptions {
    RunOptions load;     // of the object; and --trace
    std::string loaded;  // instead of an object
    std::string data, packet, context;
    std::optional<std::uint32_t> repeat;
    std::optional<std::uint32_t> cpu;
    bool json = false;
};

/// The program that is run.
struct TestedProgram {
    int fd = -1;
    bpf_prog_type type{};
    std::string name;
};

struct TestReport {
    TestedProgram program;
    TestInput input;
    TestOutput output;
    std::vector<std::string> printed;
};

// --- input

Bytes read_input(KernelGate& gate, const std::string& path) {
    return path == "-" ? read_all(gate, 0, "standard input") : read_file(gate, path);
}

[[noreturn]] void refuse_input(const TestedProgram& program, std::string_view what, std::string hint) {
    throw_usage(fmt::format("program '{}': programs of type {} take no {}", program.name,
                            program_type_name(program.type), what),
                std::move(hint));
}

void check_input(const TestedProgram& program, const TestOptions& options) {
    const TestInputKind kind = test_input_kind(program.type);
    if (kind == TestInputKind::none) return;  // test_run() has words for that
    const bool has_packet = !options.data.empty() || !options.packet.empty();
    if (has_packet && kind != TestInputKind::packet)
        refuse_input(program, "packet", kind == TestInputKind::context ? "--context FILE" : "");
    if (!options.context.empty() && kind == TestInputKind::nothing) refuse_input(program, "context", "");
    const bool repeats = kind == TestInputKind::packet || program.type == BPF_PROG_TYPE_SK_LOOKUP;
    if (options.repeat && !repeats) refuse_input(program, "--repeat", "the kernel runs them once");
    const bool has_cpu =
        program.type == BPF_PROG_TYPE_RAW_TRACEPOINT || program.type == BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE;
    if (options.cpu && !has_cpu) refuse_input(program, "--cpu", "of this process's CPUs: taskset -c N loader test ...");
}

TestInput test_input(KernelGate& gate, const TestedProgram& program, const TestOptions& options) {
    constexpr std::size_t most_arguments = 12;  // of a raw tracepoint; the verifier knows no more
    check_input(program, options);
    TestInput input{.repeat = options.repeat.value_or(1), .cpu = options.cpu};
    if (!options.data.empty()) {
        input.data = read_input(gate, options.data);
    } else if (test_input_kind(program.type) == TestInputKind::packet) {
        input.data = *packet_by_name(options.packet.empty() ? "udp" : options.packet);
    }
    if (!options.context.empty()) {
        input.context = read_input(gate, options.context);
    } else if (program.type == BPF_PROG_TYPE_RAW_TRACEPOINT) {
        input.context.resize(most_arguments * sizeof(std::uint64_t));
    }
    return input;
}

// --- output

// Syscall programs and others that return an int give errors as negative numbers.
std::string retval_text(bpf_prog_type type, std::uint32_t retval) {
    const std::string name = return_value_name(type, retval);
    if (!name.empty()) return fmt::format("{} ({})", retval, name);
    const auto number = static_cast<std::int32_t>(retval);
    constexpr std::int32_t last_errno = 4095;
    if (number < 0 && number >= -last_errno) return fmt::format("{} ({})", number, errno_name(-number));
    return fmt::format("{}", retval);
}

void show_bytes(std::string_view what, ByteView after, ByteView before) {
    std::size_t changed = after.size() > before.size() ? after.size() - before.size() : 0;
    for (std::size_t i = 0; i < std::min(after.size(), before.size()); ++i) changed += after[i] != before[i] ? 1 : 0;
    std::string note_text = changed == 0 ? "as it was" : fmt::format("{} changed", changed);
    if (after.size() != before.size()) note_text += fmt::format(", {} before", before.size());
    say(fmt::format("{}: {} bytes, {}", what, after.size(), note_text));
    if (!after.empty()) say(btf::hexdump_with_changes(after, before));
}

void show_report(const TestReport& report) {
    const auto& [program, input, output, printed] = report;
    say(fmt::format("program:  {} ({})", program.name, program_type_name(program.type)));
    say(fmt::format("returned: {}", retval_text(program.type, output.retval)));
    if (input.repeat > 1) {
        say(fmt::format("duration: {} ns each of {} runs", output.duration_ns, input.repeat));
    } else if (output.duration_ns != 0) {
        say(fmt::format("duration: {} ns", output.duration_ns));
    }
    for (const std::string& line : printed) say(fmt::format("printed:  {}", line));
    if (test_input_kind(program.type) == TestInputKind::packet) show_bytes("packet", output.data, input.data);
    if (!output.context.empty()) show_bytes("context", output.context, input.context);
}

std::string hex_of(ByteView bytes) {
    std::string hex;
    for (const std::byte byte : bytes) hex += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
    return hex;
}

Json report_json(const TestReport& report) {
    const auto& [program, input, output, printed] = report;
    return {{"program", program.name},
            {"type", program_type_name(program.type)},
            {"retval", output.retval},
            {"retval_name", return_value_name(program.type, output.retval)},
            {"repeat", input.repeat},
            {"duration_ns", output.duration_ns},
            {"data_in", hex_of(input.data)},
            {"data_out", hex_of(output.data)},
            {"context_in", hex_of(input.context)},
            {"context_out", hex_of(output.context)},
            {"printed", printed}};
}

// --- the run

TestReport run_program(KernelGate& gate, const TestedProgram& program, const TestOptions& options) {
    TestReport report{.program = program, .input = test_input(gate, program, options)};
    report.output = test_run(gate, program.fd, program.type, program.name, report.input);
    return report;
}

/// trace_pipe while it lives: what the programs of an object print.
class PrintedLines {
public:
    PrintedLines(KernelGate& gate, const Object& object) : poller_(gate) {
        PrintkFormats formats = formats_printed_by(object);
        if (formats.empty()) return;
        try {
            pipe_ = std::make_unique<TracePipe>(poller_, std::move(formats), [this](const TraceLine& line) {
                lines_.push_back(printable(line.message));
            });
        } catch (const Error& error) {
            note(fmt::format("loader: what the program prints is not shown: {}", error.what()));
        }
    }

    std::vector<std::string> take() {
        if (pipe_) pipe_->drain();
        return std::move(lines_);
    }

private:
    std::vector<std::string> lines_;
    Poller poller_;
    std::unique_ptr<TracePipe> pipe_;
};

const ProgramSpec& program_to_test(const ObjectSpec& spec, const std::vector<std::string>& asked) {
    if (!asked.empty()) return spec.require_program(asked.front());
    if (spec.programs.size() == 1) return spec.programs.front();
    std::vector<std::string> names;
    for (const ProgramSpec& program : spec.programs) names.push_back(program.name);
    if (names.empty()) throw_malformed("there is no program in the object");
    throw_usage(fmt::format("the object has {} programs: which one is to be tested?", names.size()),
                fmt::format("--program NAME, of {}", fmt::join(names, ", ")));
}

void add_once(std::vector<std::string>& names, const std::string& name) {
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
}

// What the tested program may tail-call: the programs that definitions and --update put into tables.
void add_table_entries(const ObjectSpec& spec, const std::vector<std::string>& updates,
                       std::vector<std::string>& programs) {
    for (const std::string& update : updates) {
        const std::size_t value = update.find("]=");
        if (value == std::string::npos) continue;
        const auto found = std::ranges::find(spec.programs, update.substr(value + 2), &ProgramSpec::name);
        if (found != spec.programs.end()) add_once(programs, found->name);
    }
    for (const ProgramSpec& program : spec.programs) {
        if (spec.is_in_table(program.function)) add_once(programs, program.name);
    }
}

TestReport test_object(KernelGate& gate, const TestOptions& options) {
    ObjectSpec spec = prepare_object(gate, options.load);
    const std::string name = program_to_test(spec, options.load.programs).name;
    RunOptions load = options.load;
    if (load.programs.empty()) load.programs.push_back(name);
    add_table_entries(spec, load.update, load.programs);
    Object object = load_object(gate, std::move(spec), load);
    MapUpdates updates(gate, object, load.update);
    updates.apply_references();
    updates.apply_values();
    const Program& program = object.require_program(name);
    PrintedLines printed(gate, object);
    TestReport report =
        run_program(gate, {.fd = program.fd(), .type = program.spec().kind.type, .name = name}, options);
    report.printed = printed.take();
    return report;
}

TestReport test_loaded(KernelGate& gate, const TestOptions& options) {
    const Fd program = open_loaded(gate, IdKind::prog, options.loaded);
    const ProgramFacts facts = program_facts(gate, program.get());
    return run_program(gate, {.fd = program.get(), .type = facts.type, .name = facts.name}, options);
}

void test(const TestOptions& options) {
    if (options.loaded.empty() == options.load.object.empty())
        throw_usage("what is to be tested?", "an OBJECT, or a program that is loaded: --loaded PROGRAM");
    QueryGate gate(options.load.trace);
    const TestReport report =
        options.loaded.empty() ? test_object(gate.get(), options) : test_loaded(gate.get(), options);
    if (options.json) {
        say_json(report_json(report));
    } else {
        show_report(report);
    }
    gate.finish();
}

}  // namespace

Action declare_test(CLI::App& app) {
    const auto options = std::make_shared<TestOptions>();
    declare_load_options(app, options->load);
    app.add_option("--loaded", options->loaded, "instead of OBJECT a loaded program: its id, pin or name")
        ->type_name("PROGRAM");
    CLI::Option* data = app.add_option("--data", options->data,
                                       "a file with the packet, from the Ethernet header on; - for standard input")
                            ->type_name("FILE");
    app.add_option("--packet", options->packet, "a packet of 64 bytes, made up")
        ->check(CLI::IsMember({"udp", "tcp", "icmp", "udp6", "arp", "zeros"}))
        ->type_name("udp|tcp|icmp|udp6|arp|zeros")
        ->excludes(data);
    app.add_option(
           "--context", options->context,
           "a file with the context: struct xdp_md or __sk_buff, arguments of 8 bytes, ...; - for standard input")
        ->type_name("FILE");
    app.add_option("--repeat", options->repeat, "run it so often, and measure")
        ->type_name("N")
        ->check(CLI::Range(1u, UINT32_MAX / 2));
    app.add_option("--cpu", options->cpu, "raw tracepoints: run it on this CPU")->type_name("N");
    app.add_flag("--json", options->json, "an object, for jq and other programs");
    declare_trace(app, options->load.trace);
    app.footer(test_examples);
    return [options] { test(*options); };
}

}  // namespace cli
