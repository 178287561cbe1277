// `loader list`: what is loaded in the kernel, whoever loaded it, and who keeps it there.
#include <array>
#include <chrono>
#include <memory>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <libminibpf/base/nearest.hpp>
#include <libminibpf/kernel/kernel_error.hpp>

#include "command.hpp"
#include "facts.hpp"
#include "narration.hpp"
#include "table.hpp"
#include "units.hpp"

namespace cli {

using namespace minibpf;

namespace {

constexpr const char* list_examples = R"(Examples:
  loader list progs                         all programs, with the processes and the pins that keep them
  loader list progs --stats 5s              count runs and their time for five seconds first
  loader list maps --json | jq '.[] | select(.type == "hash") | .name'
  loader list links                         what is attached where
  loader list btf

Names are what the kernel kept of them: 15 characters. HELD BY says which processes have a descriptor, by pid and command;
what has neither a pin nor a holder is kept by something in the kernel: a map by its program, a program by its hook.)";

struct ListOptions {
    std::string kind;
    std::string stats;  ///< a time; empty: not asked for
    bool json = false;
    Trace trace;
};

std::string joined(const std::vector<std::uint32_t>& ids) {
    return fmt::format("{}", fmt::join(ids, ","));
}

void show_programs_table(const std::vector<ProgramFacts>& programs, const Keepers& keepers) {
    Table table({{"ID", Align::right},
                 {"TYPE"},
                 {"NAME"},
                 {"TAG"},
                 {"XLATED", Align::right},
                 {"JITED", Align::right},
                 {"MEMLOCK", Align::right},
                 {"RUNS", Align::right},
                 {"RUN TIME", Align::right},
                 {"MAPS"},
                 {"PINS"},
                 {"HELD BY"}});
    for (const ProgramFacts& program : programs) {
        const bool has_run = program.run_count != 0;
        table.add({fmt::to_string(program.id), program_type_name(program.type), printable(program.name), program.tag,
                   fmt::to_string(program.xlated_size), fmt::to_string(program.jited_size),
                   fmt::to_string(program.memlock), has_run ? fmt::to_string(program.run_count) : "",
                   has_run ? duration_text(program.run_time_ns) : "", joined(program.map_ids),
                   keepers.pins(IdKind::prog, program.id), keepers.holders(IdKind::prog, program.id)});
    }
    table.show();
}

void show_maps_table(const std::vector<MapFacts>& maps, const Keepers& keepers) {
    Table table({{"ID", Align::right},
                 {"TYPE"},
                 {"NAME"},
                 {"KEY", Align::right},
                 {"VALUE", Align::right},
                 {"MAX_ENTRIES", Align::right},
                 {"FLAGS", Align::right},
                 {"MEMLOCK", Align::right},
                 {"BTF", Align::right},
                 {"PINS"},
                 {"HELD BY"}});
    for (const MapFacts& map : maps) {
        table.add({fmt::to_string(map.id), map_type_name(map.type), printable(map.name), fmt::to_string(map.key_size),
                   fmt::to_string(map.value_size), fmt::to_string(map.max_entries),
                   fmt::format("{:#x}{}", map.map_flags, map.frozen ? ",frozen" : ""), fmt::to_string(map.memlock),
                   map.btf_id == 0 ? "" : fmt::to_string(map.btf_id), keepers.pins(IdKind::map, map.id),
                   keepers.holders(IdKind::map, map.id)});
    }
    table.show();
}

using ProgramNames = std::map<std::uint32_t, std::string>;

ProgramNames program_names(KernelGate& gate) {
    ProgramNames names;
    for (const ProgramFacts& program : loaded_programs(gate)) names[program.id] = program.name;
    return names;
}

std::string name_of_program(const ProgramNames& names, std::uint32_t id) {
    const auto found = names.find(id);
    return found == names.end() ? std::string() : found->second;
}

void show_links_table(const std::vector<LinkFacts>& links, const ProgramNames& names, const Keepers& keepers) {
    Table table({{"ID", Align::right}, {"TYPE"}, {"PROG", Align::right}, {"NAME"}, {"TARGET"}, {"PINS"}, {"HELD BY"}});
    for (const LinkFacts& link : links) {
        table.add({fmt::to_string(link.id), link.type_name, link.prog_id == 0 ? "" : fmt::to_string(link.prog_id),
                   printable(name_of_program(names, link.prog_id)), printable(link.target),
                   keepers.pins(IdKind::link, link.id), keepers.holders(IdKind::link, link.id)});
    }
    table.show();
}

void show_btfs_table(const std::vector<BtfFacts>& btfs, const Keepers& keepers) {
    Table table({{"ID", Align::right}, {"NAME"}, {"SIZE", Align::right}, {"OF"}, {"HELD BY"}});
    for (const BtfFacts& btf : btfs) {
        table.add({fmt::to_string(btf.id), printable(btf.name), fmt::to_string(btf.size),
                   btf.of_kernel ? "kernel" : "programs", keepers.holders(IdKind::btf, btf.id)});
    }
    table.show();
}

template <class Facts>
Json list_json(const std::vector<Facts>& all, IdKind kind, const Keepers& keepers) {
    Json list = Json::array();
    for (const Facts& one : all) {
        list.push_back(json_of(one));
        keepers.put(list.back(), kind, one.id);
    }
    return list;
}

void count_runs(KernelGate& gate, const std::string& time) {
    const auto milliseconds = parse_milliseconds(time);
    if (!milliseconds) throw_usage(fmt::format("--stats {}: this is no time", time), "write 500ms, 2s or 1m");
    const EnableStats call;
    const Answer answer = gate.enter(call, "runs are counted until this descriptor is closed");
    if (!answer.ok()) throw kernel_error("turning statistics on", call, answer, "it takes root, and Linux 5.8");
    const Fd statistics(gate, answer.fd());
    std::this_thread::sleep_for(std::chrono::milliseconds(*milliseconds));
}

void list_programs(KernelGate& gate, const ListOptions& options) {
    if (!options.stats.empty()) count_runs(gate, options.stats);
    const std::vector<ProgramFacts> programs = loaded_programs(gate);
    const Keepers keepers(gate);
    if (options.json) return say_json(list_json(programs, IdKind::prog, keepers));
    show_programs_table(programs, keepers);
}

void list_maps(KernelGate& gate, const ListOptions& options) {
    const std::vector<MapFacts> maps = loaded_maps(gate);
    const Keepers keepers(gate);
    if (options.json) return say_json(list_json(maps, IdKind::map, keepers));
    show_maps_table(maps, keepers);
}

void list_links(KernelGate& gate, const ListOptions& options) {
    const std::vector<LinkFacts> links = loaded_links(gate);
    const ProgramNames names = program_names(gate);
    const Keepers keepers(gate);
    if (!options.json) return show_links_table(links, names, keepers);
    Json list = list_json(links, IdKind::link, keepers);
    for (Json& link : list) link["prog_name"] = name_of_program(names, link["prog_id"]);
    say_json(list);
}

void list_btfs(KernelGate& gate, const ListOptions& options) {
    const std::vector<BtfFacts> btfs = loaded_btfs(gate);
    const Keepers keepers(gate);
    if (options.json) return say_json(list_json(btfs, IdKind::btf, keepers));
    show_btfs_table(btfs, keepers);
}

struct ListedKind {
    std::string_view name;
    void (*list)(KernelGate&, const ListOptions&);
};
constexpr std::array<ListedKind, 4> listed_kinds = {
    {{"progs", list_programs}, {"maps", list_maps}, {"links", list_links}, {"btf", list_btfs}}};

const ListedKind& listed_kind(const std::string& name) {
    std::vector<std::string_view> names;
    for (const ListedKind& kind : listed_kinds) {
        if (kind.name == name) return kind;
        names.push_back(kind.name);
    }
    const std::string near = nearest(name, names);
    throw_usage(fmt::format("'{}' cannot be listed", name),
                near.empty() ? "there are: progs, maps, links, btf" : fmt::format("did you mean {}?", near));
}

void list(const ListOptions& options) {
    const ListedKind& kind = listed_kind(options.kind);
    if (!options.stats.empty() && kind.name != "progs")
        throw_usage("--stats counts runs, and only programs run", "loader list progs --stats 5s");
    QueryGate gate(options.trace);
    kind.list(gate.get(), options);
    gate.finish();
}

}  // namespace

Action declare_list(CLI::App& app) {
    const auto options = std::make_shared<ListOptions>();
    app.add_option("KIND", options->kind, "progs, maps, links or btf")->type_name("progs|maps|links|btf")->required();
    app.add_option("--stats", options->stats, "progs: count their runs for this time first (needs Linux 5.8)")
        ->type_name("TIME");
    app.add_flag("--json", options->json, "an array of objects, for jq and other programs");
    declare_trace(app, options->trace);
    app.footer(list_examples);
    return [options] { list(*options); };
}

}  // namespace cli
