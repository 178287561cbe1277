// Shows an object as the loader understands it, table by table. Needs no privilege and makes no bpf() call.
#include <algorithm>
#include <memory>

#include <elf.h>
#include <fmt/format.h>

#include <libminibpf/btf/value.hpp>
#include <libminibpf/elf/elf_file.hpp>
#include <libminibpf/insn/disassembler.hpp>
#include <libminibpf/kernel/live_gate.hpp>
#include <libminibpf/relocate/link.hpp>

#include "command.hpp"
#include "open_object.hpp"
#include "output.hpp"

namespace cli {

using namespace minibpf;

namespace {

constexpr const char* inspect_examples = R"(Examples:
  loader inspect prog.o
  loader inspect --disasm --relocations prog.o
  loader inspect --type tracepoint prog.text)";

struct InspectOptions {
    std::string object;
    std::string type;  ///< of raw instructions
    std::vector<std::string> cflags;
    bool disassemble = false;
    bool relocations = false;
    bool btf = false;
};

std::string section_kind(const elf::Section& section) {
    switch (section.type) {
        case SHT_PROGBITS: return section.is_executable() ? "code" : "data";
        case SHT_NOBITS: return "zeros";
        case SHT_SYMTAB: return "symbols";
        case SHT_STRTAB: return "strings";
        case SHT_REL: return "relocations";
        default: return fmt::format("type {:#x}", section.type);
    }
}

void show_sections(const elf::ElfFile& file) {
    say("SECTIONS");
    say("  index       size  kind         name");
    for (const elf::Section& section : file.sections()) {
        if (section.type == SHT_NULL) continue;
        say(fmt::format("  {:5}  {:9}  {:11}  {}", section.index, section.size, section_kind(section), section.name));
    }
}

void show_programs(const ObjectSpec& spec) {
    say("\nPROGRAMS");
    for (const ProgramSpec& program : spec.programs) {
        const FunctionSpec& function = spec.functions[program.function];
        say(fmt::format("  {}: SEC(\"{}\"), type {}, {} instructions{}", program.name, program.section,
                        program_type_name(program.kind.type), function.insns.size(),
                        function.core_relocations.empty()
                            ? ""
                            : fmt::format(", {} CO-RE relocations", function.core_relocations.size())));
    }
    const auto is_program = [&](std::size_t index) {
        return std::any_of(spec.programs.begin(), spec.programs.end(),
                           [&](const ProgramSpec& program) { return program.function == index; });
    };
    for (std::size_t i = 0; i < spec.functions.size(); ++i) {
        if (is_program(i)) continue;
        say(fmt::format("  {}: subprogram in {}, {} instructions", spec.functions[i].name, spec.functions[i].section,
                        spec.functions[i].insns.size()));
    }
    say(fmt::format("  license: {}", spec.has_license ? fmt::format("\"{}\"", spec.license) : "none"));
}

std::string type_column(const ObjectSpec& spec, btf::TypeId type, std::uint32_t size) {
    if (type == 0 || !spec.btf) return fmt::format("{} bytes", size);
    return fmt::format("{} ({} bytes)", btf::type_text(*spec.btf, type), size);
}

std::string slot_text(const ObjectSpec& spec, const MapSlot& slot) {
    const auto* map = std::get_if<MapReference>(&slot.target);
    const std::string& name = map != nullptr ? spec.maps[map->map].name
                                             : spec.functions[std::get<FunctionReference>(slot.target).function].name;
    return fmt::format("[{}] = {}", slot.index, name);
}

void show_map_details(const ObjectSpec& spec, const MapSpec& map) {
    if (!map.pin_name.empty()) say(fmt::format("    pinned by name: {}", map.pin_name));
    if (!map.inner.empty()) {
        const MapSpec& inner = map.inner.front();
        say(fmt::format("    of maps like: {}, key {}, value {}, max_entries {}, map_flags {:#x}",
                        map_type_name(inner.type), type_column(spec, inner.btf_key_type_id, inner.key_size),
                        type_column(spec, inner.btf_value_type_id, inner.value_size), inner.max_entries,
                        inner.map_flags));
    }
    for (const MapSlot& slot : map.slots) say(fmt::format("    {}", slot_text(spec, slot)));
}

void show_maps(const ObjectSpec& spec) {
    if (spec.maps.empty()) return;
    say("\nMAPS");
    for (const MapSpec& map : spec.maps) {
        if (map.origin == MapOrigin::data_section) {
            say(fmt::format("  {}: data section as array map `{}`, {} bytes{}", map.name, map.kernel_name,
                            map.value_size, map.read_only ? ", read-only" : ""));
            continue;
        }
        say(fmt::format("  {}: {}, key {}, value {}, max_entries {}, map_flags {:#x}", map.name,
                        map_type_name(map.type), type_column(spec, map.btf_key_type_id, map.key_size),
                        type_column(spec, map.btf_value_type_id, map.value_size), map.max_entries, map.map_flags));
        show_map_details(spec, map);
    }
}

std::string extern_kind(const ExternSpec& external) {
    switch (external.kind) {
        case ExternKind::kconfig: return "kernel option, in .kconfig";
        case ExternKind::ksym_address: return "address of a kernel symbol";
        case ExternKind::ksym_variable: return "variable of the kernel";
        case ExternKind::kfunc: return "function of the kernel";
    }
    return "";
}

void show_externs(const ObjectSpec& spec) {
    if (spec.externs.empty()) return;
    say("\nEXTERNS");
    for (const ExternSpec& external : spec.externs) {
        say(fmt::format("  {}: {}{}{}", external.name, extern_kind(external),
                        external.type == 0 || external.kind == ExternKind::kfunc
                            ? ""
                            : fmt::format(", {}", btf::type_text(*spec.btf, external.type)),
                        external.is_weak ? ", weak" : ""));
    }
}

std::string initial_value(const ObjectSpec& spec, const VariableSpec& variable) {
    const Bytes& initial = spec.maps[variable.map].initial;
    const Bytes zeros(initial.empty() ? variable.size : 0);
    const std::optional<ByteView> bytes =
        initial.empty() ? ByteView(zeros) : slice(initial, variable.offset, variable.size);
    if (!bytes) return "?";
    return variable.type != 0 && spec.btf ? btf::format_value(*spec.btf, variable.type, *bytes)
                                          : fmt::format("{} bytes", variable.size);
}

void show_variables(const ObjectSpec& spec) {
    if (spec.variables.empty()) return;
    say("\nVARIABLES");
    for (const VariableSpec& variable : spec.variables) {
        const std::string type = variable.type != 0 && spec.btf ? btf::type_text(*spec.btf, variable.type) + " " : "";
        say(fmt::format("  {}+{}: {}{} = {}", spec.maps[variable.map].name, variable.offset, type, variable.name,
                        initial_value(spec, variable)));
    }
}

void show_instruction(const std::vector<bpf_insn>& insns, std::size_t index, std::string_view note_text = {}) {
    const std::size_t slots = std::min(slot_count(insns[index]), insns.size() - index);
    const std::string text = disassemble(std::span(insns).subspan(index, slots));
    say(note_text.empty() ? fmt::format("  {:5}: {}", index, text)
                          : fmt::format("  {:5}: {:<44} ; {}", index, text, note_text));
}

void show_instructions(const ObjectSpec& spec) {
    for (const FunctionSpec& function : spec.functions) {
        say(fmt::format("\nINSTRUCTIONS of {}{}", function.name,
                        function.section.empty() ? "" : fmt::format(" (section {})", function.section)));
        std::size_t next = 0;  // of the relocations, which are sorted
        for (std::size_t i = 0; i < function.insns.size(); i += slot_count(function.insns[i])) {
            const bool relocated = next < function.relocations.size() && function.relocations[next].insn_index == i;
            show_instruction(function.insns, i, relocated ? function.relocations[next++].symbol : std::string_view());
        }
    }
}

// The fds that a run of all programs gets: 3 for the BTF, then the maps.
std::vector<int> expected_fds(const ObjectSpec& spec, std::span<const LinkedProgram> programs) {
    std::vector<int> fds;
    int next = spec.btf ? 4 : 3;
    std::vector<bool> needed = defined_maps(spec);
    for (const LinkedProgram& program : programs) note_maps_used(program, spec, needed);
    for (const bool created : needed) fds.push_back(created ? next++ : -1);
    return fds;
}

void show_relocations(const ObjectSpec& spec) {
    std::vector<LinkedProgram> programs;
    for (const ProgramSpec& program : spec.programs) programs.push_back(link_functions(spec, program));
    const std::vector<int> fds = expected_fds(spec, programs);
    for (std::size_t i = 0; i < programs.size(); ++i) {
        const ProgramSpec& program = spec.programs[i];
        LinkedProgram& linked = programs[i];
        relocate_maps(linked, spec, fds);
        say(fmt::format(
            "\nRELOCATIONS of {}: {} instructions with subprograms, map fds as they would be counted from 3",
            program.name, linked.insns.size()));
        for (const PlacedFunction& placed : linked.functions) {
            const FunctionSpec& function = spec.functions[placed.function];
            for (const InsnRelocation& relocation : function.relocations) {
                const std::size_t at = placed.insn_index + relocation.insn_index;
                say(fmt::format("  {} in {}:", relocation.symbol, function.name));
                show_instruction(function.insns, relocation.insn_index, "before, in its function");
                show_instruction(linked.insns, at, "after, in the program");
            }
        }
    }
}

void show_types(const ObjectSpec& spec) {
    if (!spec.btf) return;
    say("\nBTF");
    for (btf::TypeId id = 1; id <= spec.btf->last_id(); ++id) {
        const btf::Type type = spec.btf->type(id);
        say(fmt::format("  [{}] {} {}", id, btf::kind_name(type.kind), btf::type_text(*spec.btf, id)));
    }
}

// There is nothing else to show of them.
void inspect_raw_instructions(ByteView bytes, const InspectOptions& options) {
    ProgramKind kind;
    kind.type = parse_program_type(options.type);
    const ObjectSpec spec = parse_raw_instructions(bytes, options.object, kind, "");
    say(fmt::format("PROGRAM\n  {}: type {}, {} instructions", spec.programs.front().name, program_type_name(kind.type),
                    spec.functions.front().insns.size()));
    show_instructions(spec);
}

void inspect(const InspectOptions& options) {
    LiveGate gate;
    const Bytes bytes = read_object(gate, options.object, options.cflags);
    if (!options.type.empty() && !elf::looks_like_elf(bytes)) return inspect_raw_instructions(bytes, options);
    const elf::ElfFile file = elf::ElfFile::parse(bytes, options.object);
    show_sections(file);
    const ObjectSpec spec = parse_object(bytes, options.object);
    show_programs(spec);
    show_maps(spec);
    show_variables(spec);
    show_externs(spec);
    say(spec.btf ? fmt::format("\nBTF: {} types, {} bytes", spec.btf->last_id(), spec.btf->raw().size())
                 : "\nBTF: none");
    for (const std::string& warning : spec.warnings) say(fmt::format("\nWARNING: {}", warning));
    if (options.disassemble) show_instructions(spec);
    if (options.relocations) show_relocations(spec);
    if (options.btf) show_types(spec);
}

}  // namespace

Action declare_inspect(CLI::App& app) {
    const auto options = std::make_shared<InspectOptions>();
    app.add_option("OBJECT", options->object, "a .o, a .bpf.c, raw instructions with --type, or - for standard input")
        ->required();
    app.add_option("--type", options->type, "the program type of raw instructions: tracepoint, kprobe, xdp, ...")
        ->type_name("TYPE");
    app.add_option("--cflags", options->cflags, "more options for clang, when OBJECT is a .bpf.c")
        ->type_name("FLAGS")
        ->allow_extra_args(false);
    app.add_flag("--disasm", options->disassemble, "the instructions of each function");
    app.add_flag("--relocations", options->relocations, "each relocated instruction before and after");
    app.add_flag("--btf", options->btf, "every type");
    app.footer(inspect_examples);
    return [options] { inspect(*options); };
}

}  // namespace cli
