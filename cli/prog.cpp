// `loader prog`: one loaded program, whoever loaded it.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <libminibpf/load/pinning.hpp>

#include "facts.hpp"
#include "map_elements.hpp"
#include "prog_dump.hpp"
#include "verbs.hpp"

namespace cli {

using namespace minibpf;

namespace {

constexpr const char* prog_examples = R"(Examples:
  loader prog show hello                         by name: all that the kernel tells of it
  loader prog dump hello                         its instructions, as the verifier has left them
  loader prog pin 12 /sys/fs/bpf/hello           by its id: it lives on when its loader ends
  rm /sys/fs/bpf/hello                           takes the pin away; there is no unpin

PROGRAM is an id, a pin's path or a name; `loader list progs` shows them.)";

constexpr const char* prog_show_examples = R"(Examples:
  loader prog show hello
  loader prog show /sys/fs/bpf/hello --json)";

constexpr const char* prog_dump_examples = R"(Examples:
  loader prog dump hello
  loader inspect --disasm prog.o                 the instructions as they were compiled, to compare with

The verifier does not only look. It writes addresses for maps, takes out what is never reached and replaces some calls by
what they do, so there may be more or fewer instructions than were loaded.)";

constexpr const char* prog_pin_examples = R"(Examples:
  loader prog pin hello /sys/fs/bpf/hello
  rm /sys/fs/bpf/hello                           takes the pin away; the program ends with its last user

A pin keeps the program, not its hook: `loader link pin` does that.)";

struct ProgRequest {
    std::string program, path;
    bool json = false;
    Trace trace;
};

void fact(std::string_view name, const std::string& text) {
    if (!text.empty()) say(fmt::format("{:<16}  {}", name, text));
}

void show_facts(KernelGate& gate, const ProgramFacts& program, const Keepers& keepers) {
    fact("id", fmt::to_string(program.id));
    fact("name", printable(program.name));
    fact("type", program_type_name(program.type));
    fact("tag", program.tag);
    fact("instructions", fmt::format("{} bytes, {} of machine code{}", program.xlated_size, program.jited_size,
                                     program.jited_size == 0 ? ": it is interpreted" : ""));
    if (program.verified_insns != 0)
        fact("verified", fmt::format("{} instructions were looked at", program.verified_insns));
    fact("memlock", fmt::format("{} bytes", program.memlock));
    fact("loaded",
         fmt::format("by user {}, {} after the start of the system", program.uid, duration_text(program.loaded_ns)));
    fact("license", program.gpl_compatible ? "compatible with the GPL" : "not compatible with the GPL");
    if (program.btf_id != 0) fact("btf", fmt::to_string(program.btf_id));
    if (program.run_count != 0)
        fact("runs", fmt::format("{} in {}", program.run_count, duration_text(program.run_time_ns)));
    if (program.recursion_misses != 0)
        fact("left out", fmt::format("{} runs, because it was running already", program.recursion_misses));
    for (const std::uint32_t map : program.map_ids) fact("uses", text_of_id(gate, IdKind::map, map));
    fact("pins", keepers.pins(IdKind::prog, program.id));
    fact("held by", keepers.holders(IdKind::prog, program.id));
}

void show_program(KernelGate& gate, const ProgRequest& request) {
    // Closed before the holders are looked for, lest this process be one of them.
    const ProgramFacts program = program_facts(gate, open_loaded(gate, IdKind::prog, request.program).get());
    const Keepers keepers(gate);
    if (!request.json) return show_facts(gate, program, keepers);
    Json json = json_of(program);
    keepers.put(json, IdKind::prog, program.id);
    say_json(json);
}

void dump_program(KernelGate& gate, const ProgRequest& request) {
    const Fd program = open_loaded(gate, IdKind::prog, request.program);
    const std::vector<bpf_insn> insns = program_instructions(gate, program.get());
    if (insns.empty()) {
        throw Error({.doing = fmt::format("the kernel does not show the instructions of program {}", request.program),
                     .hint = "it takes root, and sysctl net.core.bpf_jit_harden below 2",
                     .blame = Blame::facility});
    }
    for (const std::string& line : dump_lines(gate, insns)) say(line);
    say(fmt::format("{} instructions, {} bytes", insns.size(), insns.size() * sizeof(bpf_insn)));
}

void pin_program(KernelGate& gate, const ProgRequest& request) {
    const Fd program = open_loaded(gate, IdKind::prog, request.program);
    pin_object(gate, request.path, program.get(), fmt::format("program {}", request.program));
}

std::shared_ptr<ProgRequest> prog_request(CLI::App& app) {
    auto request = std::make_shared<ProgRequest>();
    app.add_option("PROGRAM", request->program, "an id, a pin's path or a name")->required();
    return request;
}

Action declare_prog_show(CLI::App& app) {
    const auto request = prog_request(app);
    app.add_flag("--json", request->json, "an object, for jq and other programs");
    return finish_verb(app, request, prog_show_examples, show_program);
}

Action declare_prog_dump(CLI::App& app) {
    return finish_verb(app, prog_request(app), prog_dump_examples, dump_program);
}

Action declare_prog_pin(CLI::App& app) {
    const auto request = prog_request(app);
    app.add_option("PATH", request->path, "a name in a bpffs, /sys/fs/bpf/...; directories are made")->required();
    return finish_verb(app, request, prog_pin_examples, pin_program);
}

constexpr Command prog_verbs[] = {
    {"show", "show all that the kernel tells of it, with its maps", declare_prog_show},
    {"dump", "show its instructions, as the verifier has left them", declare_prog_dump},
    {"pin", "give it a name in the bpffs, by which it lives on", declare_prog_pin},
};

}  // namespace

Action declare_prog(CLI::App& app) {
    app.footer(prog_examples);
    return declare_verbs(app, prog_verbs);
}

}  // namespace cli
