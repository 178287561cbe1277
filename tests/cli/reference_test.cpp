// docs/reference/ says what the code does. What the code knows of a table there, it writes itself: a block between
//
//     <!-- generated: fields BPF_MAP_CREATE -->
//     ...
//     <!-- end -->
//
// is compared with what this file makes of libminibpf's own tables, and with MINIBPF_REWRITE=1 in the environment
// written anew. The last columns of some tables are a person's; they are kept, and must not be empty.
#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <sstream>

#include <fcntl.h>
#include <linux/perf_event.h>

#include <libminibpf/kernel/encode.hpp>
#include <libminibpf/minibpf.hpp>
#include <libminibpf/narrate/attr_fields.hpp>
#include <libminibpf/narrate/attr_tables.hpp>
#include <libminibpf/narrate/names.hpp>
#include <libminibpf/narrate/strace_line.hpp>
#include <libminibpf/object/section_names.hpp>
#include <libminibpf/object/uapi.hpp>
#include <tests/catch.hpp>
#include <tests/skip.hpp>

#include "command.hpp"

using namespace minibpf;
using namespace minibpf::test;

namespace {

std::filesystem::path reference_dir() {
    return source_dir() / "docs/reference";
}

std::vector<std::filesystem::path> pages_below(const std::filesystem::path& directory) {
    std::vector<std::filesystem::path> pages;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
        if (entry.path().extension() == ".md") pages.push_back(entry.path());
    }
    std::sort(pages.begin(), pages.end());
    return pages;
}

// --- Markdown tables

using Row = std::vector<std::string>;

struct MarkdownTable {
    Row header;
    std::size_t by_hand = 0;  ///< how many of the last columns are a person's
    std::vector<Row> rows;    ///< without those columns
};

Row cells_of(const std::string& line) {
    Row cells;
    std::string cell;
    for (std::size_t i = 1; i < line.size(); ++i) {
        if (line[i] != '|' || line[i - 1] == '\\') {
            cell += line[i];
            continue;
        }
        const std::size_t begin = cell.find_first_not_of(' ');
        cells.push_back(begin == std::string::npos ? "" : cell.substr(begin, cell.find_last_not_of(' ') + 1 - begin));
        cell.clear();
    }
    return cells;
}

std::string line_of(const Row& cells) {
    std::string line = "|";
    for (const std::string& cell : cells) line += " " + cell + " |";
    return line + "\n";
}

// What a person wrote into the row whose first cell is `key`.
Row hand_written(const std::string& old, const std::string& key, std::size_t count) {
    for (const std::string& line : lines_of(old)) {
        const Row cells = cells_of(line);
        if (cells.size() > count && cells.front() == key)
            return Row(cells.end() - static_cast<long>(count), cells.end());
    }
    return Row(count, "?");
}

std::string text_of(const MarkdownTable& table, const std::string& old) {
    std::string text = "\n" + line_of(table.header) + line_of(Row(table.header.size(), "---"));
    for (Row row : table.rows) {
        for (std::string& cell : hand_written(old, row.front(), table.by_hand)) row.push_back(std::move(cell));
        text += line_of(row);
    }
    return text + "\n";
}

std::string code(const std::string& text) {
    return "`" + text + "`";
}

// --- the calls: one of each, as a loader might make it

struct SampleCall {
    std::string name;
    Syscall call;
    Answer answer = {};
};

const std::array<bpf_insn, 2> insns = {{{.code = 0xb7, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
                                        {.code = 0x95, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}}};
const std::array<std::byte, 24> btf_header = {std::byte{0x9f}, std::byte{0xeb}, std::byte{1}, std::byte{0},
                                              std::byte{24}};
std::array<std::byte, 256> memory{};

ByteView some(std::size_t size) {
    return ByteView(memory).first(size);
}

std::span<std::byte> some_to_fill(std::size_t size) {
    return std::span(memory).first(size);
}

std::vector<SampleCall> sample_calls() {
    const auto link = [](std::uint32_t target, std::uint32_t type, LinkDetails details) {
        return LinkCreate{
            .prog_fd = 5, .target_fd = static_cast<int>(target), .attach_type = type, .details = std::move(details)};
    };
    return {
        {"BPF_MAP_CREATE",
         MapCreate{.name = "counts",
                   .type = BPF_MAP_TYPE_HASH,
                   .key_size = 4,
                   .value_size = 8,
                   .max_entries = 1024,
                   .btf_fd = 3,
                   .btf_key_type_id = 2,
                   .btf_value_type_id = 5},
         {.value = 4}},
        {"BPF_MAP_LOOKUP_ELEM", MapLookupElem{.map_fd = 4, .key = some(4), .value = some_to_fill(8)}},
        {"BPF_MAP_UPDATE_ELEM", MapUpdateElem{.map_fd = 4, .key = some(4), .value = some(8)}},
        {"BPF_MAP_DELETE_ELEM", MapDeleteElem{.map_fd = 4, .key = some(4)}},
        {"BPF_MAP_GET_NEXT_KEY", MapGetNextKey{.map_fd = 4, .next_key = some_to_fill(4)}},
        {"BPF_MAP_FREEZE", MapFreeze{.map_fd = 4}},
        {"BPF_PROG_LOAD",
         ProgLoad{.name = "hello", .type = BPF_PROG_TYPE_TRACEPOINT, .insns = insns, .license = "GPL"},
         {.value = 5}},
        {"BPF_PROG_TEST_RUN", ProgTestRun{.prog_fd = 5, .data = some(64), .data_out = some_to_fill(256), .repeat = 1}},
        {"BPF_ENABLE_STATS", EnableStats{}, {.value = 3}},
        {"BPF_BTF_LOAD", BtfLoad{.btf = btf_header}, {.value = 3}},
        {"BPF_RAW_TRACEPOINT_OPEN", RawTracepointOpen{.name = "sys_enter", .prog_fd = 5}, {.value = 6}},
        {"BPF_LINK_CREATE", link(1, BPF_XDP, {}), {.value = 6}},
        {"BPF_LINK_CREATE perf_event", link(7, BPF_PERF_EVENT, PerfEventLink{.bpf_cookie = 0x2a}), {.value = 8}},
        {"BPF_LINK_CREATE kprobe_multi",
         link(0, BPF_TRACE_KPROBE_MULTI, KprobeMultiLink{.syms = {"vfs_read", "vfs_write"}}),
         {.value = 6}},
        {"BPF_LINK_CREATE iter", link(0, BPF_TRACE_ITER, IterLink{}), {.value = 6}},
        {"BPF_LINK_CREATE tracing", link(0, BPF_TRACE_FENTRY, TracingLink{.cookie = 0x2a}), {.value = 6}},
        {"BPF_LINK_CREATE uprobe_multi",
         link(0, uapi::BPF_TRACE_UPROBE_MULTI, UprobeMultiLink{.path = "/bin/bash", .offsets = {0x30f20, 0x31a10}}),
         {.value = 6}},
        {"BPF_LINK_CREATE netfilter",
         link(0, uapi::BPF_NETFILTER, NetfilterLink{.pf = 2, .hooknum = 1, .priority = -100}),
         {.value = 6}},
        {"BPF_LINK_CREATE tcx", link(1, uapi::BPF_TCX_INGRESS, OrderedLink{}), {.value = 6}},
        {"BPF_LINK_UPDATE", LinkUpdate{.link_fd = 6, .new_prog_fd = 9}},
        {"BPF_LINK_DETACH", LinkDetach{.link_fd = 6}},
        {"BPF_ITER_CREATE", IterCreate{.link_fd = 6}, {.value = 7}},
        {"BPF_PROG_ATTACH", ProgAttach{.target_fd = 6,
                                       .attach_bpf_fd = 5,
                                       .attach_type = BPF_CGROUP_INET_EGRESS,
                                       .attach_flags = BPF_F_ALLOW_MULTI}},
        {"BPF_PROG_DETACH", ProgDetach{.target_fd = 6, .attach_bpf_fd = 5, .attach_type = BPF_CGROUP_INET_EGRESS}},
        {"BPF_OBJ_PIN", ObjPin{.pathname = "/sys/fs/bpf/counts", .bpf_fd = 4}},
        {"BPF_OBJ_GET", ObjGet{.pathname = "/sys/fs/bpf/counts"}, {.value = 3}},
        {"BPF_OBJ_GET_INFO_BY_FD", ObjGetInfoByFd{.bpf_fd = 4, .info = some_to_fill(88)}, {.out = 88}},
        {"BPF_PROG_GET_NEXT_ID", GetNextId{.kind = IdKind::prog, .start_id = 0}, {.out = 12}},
        {"BPF_MAP_GET_NEXT_ID", GetNextId{.kind = IdKind::map, .start_id = 0}, {.out = 7}},
        {"BPF_BTF_GET_NEXT_ID", GetNextId{.kind = IdKind::btf, .start_id = 0}, {.out = 1}},
        {"BPF_LINK_GET_NEXT_ID", GetNextId{.kind = IdKind::link, .start_id = 3}, {.value = -1, .error = ENOENT}},
        {"BPF_PROG_GET_FD_BY_ID", GetFdById{.kind = IdKind::prog, .id = 12}, {.value = 3}},
        {"BPF_MAP_GET_FD_BY_ID", GetFdById{.kind = IdKind::map, .id = 7}, {.value = 3}},
        {"BPF_BTF_GET_FD_BY_ID", GetFdById{.kind = IdKind::btf, .id = 1}, {.value = 3}},
        {"BPF_LINK_GET_FD_BY_ID", GetFdById{.kind = IdKind::link, .id = 3}, {.value = 3}},
        {"perf_event_open",
         PerfEventOpen{.type = PERF_TYPE_TRACEPOINT,
                       .config = 862,
                       .sample_period = 1,
                       .sample_type = PERF_SAMPLE_RAW,
                       .wakeup_events = 1},
         {.value = 7}},
        {"perf_event_open kprobe",
         PerfEventOpen{.type = 8, .kprobe_func = "do_unlinkat", .probe_offset = 0x10},
         {.value = 7}},
        {"perf_event_open clock",
         PerfEventOpen{.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_CPU_CLOCK, .sample_freq = 99},
         {.value = 7}},
        {"PERF_EVENT_IOC_SET_BPF", PerfEventSetBpf{.event_fd = 7, .prog_fd = 5}},
        {"PERF_EVENT_IOC_ENABLE", PerfEventEnable{.event_fd = 7}},
        {"PERF_EVENT_IOC_DISABLE", PerfEventDisable{.event_fd = 7}},
    };
}

const SampleCall& sample_named(const std::string& name) {
    static const std::vector<SampleCall> samples = sample_calls();
    const auto found = std::ranges::find(samples, name, &SampleCall::name);
    INFO("a sample call for " << name);
    REQUIRE(found != samples.end());
    return *found;
}

std::string strace_block(const std::string& name) {
    const SampleCall& sample = sample_named(name);
    return "\n```\n" + strace_line(sample.call, sample.answer, AttrSize::minimal) + "\n```\n\n";
}

// Addresses differ from run to run, and so does where the line's answer stands then.
std::string without_addresses(const std::string& text) {
    const std::string plain = std::regex_replace(text, std::regex("0x[0-9a-f]{8,}"), "ADDRESS");
    return std::regex_replace(plain, std::regex("\\) +="), ") =");
}

// --- what there is in an attr

std::string type_name(const AttrField& field) {
    switch (field.format) {
        case FieldFormat::descriptor: return "int";
        case FieldFormat::enumeration: return "enum";
        case FieldFormat::flags: return "flags";
        case FieldFormat::name: return "characters";
        case FieldFormat::address:
        case FieldFormat::string:
        case FieldFormat::path:
        case FieldFormat::log:
        case FieldFormat::btf:
        case FieldFormat::strings:
        case FieldFormat::hex_numbers:
        case FieldFormat::iter_infos: return "pointer";
        default: return "number";
    }
}

MarkdownTable field_table(const std::vector<AttrField>& fields) {
    MarkdownTable table{.header = {"field", "at", "bytes", "type", "meaning", "since"}, .by_hand = 1};
    for (const AttrField& field : fields) {
        table.rows.push_back({code(std::string(field.name)), std::to_string(field.offset), std::to_string(field.width),
                              type_name(field), std::string(field.meaning)});
    }
    return table;
}

MarkdownTable perf_field_table(const PerfEventOpen& call) {
    MarkdownTable table{.header = {"field", "at", "bytes", "meaning"}};
    for (const CallField& field : fields_of(encode(call), StraceVersion::v7_2)) {
        table.rows.push_back({code(field.name), std::to_string(field.offset), std::to_string(field.bytes.size()),
                              std::string(field.meaning)});
    }
    return table;
}

bool is_read(const EncodedBpf& encoded, const AttrField& field) {
    if (encoded.cmd == BPF_OBJ_GET && field.name == "bpf_fd") return false;  // strace shows BPF_OBJ_PIN's fields
    return field.meaning != "not used by this command";
}

// What either strace shows, less what it shows of fields that the command does not read.
std::vector<AttrField> fields_of_command(const EncodedBpf& encoded, bool is_variant) {
    std::vector<AttrField> fields;
    for (const StraceVersion version : {StraceVersion::v7_2, StraceVersion::v6_1}) {
        const AttrLayout layout = layout_of(encoded, version);
        for (const AttrField& field : is_variant ? layout.variant : layout.fields) {
            const bool is_known = std::ranges::find(fields, field.name, &AttrField::name) != fields.end();
            if (!is_known && is_read(encoded, field)) fields.push_back(field);
        }
    }
    std::ranges::stable_sort(fields, {}, &AttrField::offset);
    return fields;
}

// `BPF_LINK_CREATE` is what all links have, `BPF_LINK_CREATE tcx` what one kind has besides.
MarkdownTable fields_block(const std::string& name) {
    const SampleCall& sample = sample_named(name);
    if (const auto* event = std::get_if<PerfEventOpen>(&sample.call)) return perf_field_table(*event);
    const std::optional<EncodedBpf> encoded = encode_bpf(sample.call, AttrSize::minimal);
    REQUIRE(encoded);
    const bool is_variant = name.find(' ') != std::string::npos;
    return field_table(fields_of_command(*encoded, is_variant));
}

// --- the commands

// enum bpf_cmd: its place is its number.
constexpr std::array<std::string_view, 39> all_commands = {"BPF_MAP_CREATE",
                                                           "BPF_MAP_LOOKUP_ELEM",
                                                           "BPF_MAP_UPDATE_ELEM",
                                                           "BPF_MAP_DELETE_ELEM",
                                                           "BPF_MAP_GET_NEXT_KEY",
                                                           "BPF_PROG_LOAD",
                                                           "BPF_OBJ_PIN",
                                                           "BPF_OBJ_GET",
                                                           "BPF_PROG_ATTACH",
                                                           "BPF_PROG_DETACH",
                                                           "BPF_PROG_TEST_RUN",
                                                           "BPF_PROG_GET_NEXT_ID",
                                                           "BPF_MAP_GET_NEXT_ID",
                                                           "BPF_PROG_GET_FD_BY_ID",
                                                           "BPF_MAP_GET_FD_BY_ID",
                                                           "BPF_OBJ_GET_INFO_BY_FD",
                                                           "BPF_PROG_QUERY",
                                                           "BPF_RAW_TRACEPOINT_OPEN",
                                                           "BPF_BTF_LOAD",
                                                           "BPF_BTF_GET_FD_BY_ID",
                                                           "BPF_TASK_FD_QUERY",
                                                           "BPF_MAP_LOOKUP_AND_DELETE_ELEM",
                                                           "BPF_MAP_FREEZE",
                                                           "BPF_BTF_GET_NEXT_ID",
                                                           "BPF_MAP_LOOKUP_BATCH",
                                                           "BPF_MAP_LOOKUP_AND_DELETE_BATCH",
                                                           "BPF_MAP_UPDATE_BATCH",
                                                           "BPF_MAP_DELETE_BATCH",
                                                           "BPF_LINK_CREATE",
                                                           "BPF_LINK_UPDATE",
                                                           "BPF_LINK_GET_FD_BY_ID",
                                                           "BPF_LINK_GET_NEXT_ID",
                                                           "BPF_ENABLE_STATS",
                                                           "BPF_ITER_CREATE",
                                                           "BPF_LINK_DETACH",
                                                           "BPF_PROG_BIND_MAP",
                                                           "BPF_TOKEN_CREATE",
                                                           "BPF_PROG_STREAM_READ_BY_FD",
                                                           "BPF_PROG_ASSOC_STRUCT_OPS"};
static_assert(all_commands[BPF_PROG_BIND_MAP] == "BPF_PROG_BIND_MAP");

template <std::size_t... Index>
std::vector<Syscall> every_call(std::index_sequence<Index...>) {
    return {Syscall(std::in_place_index<Index>)...};
}

// Those of the variant in kernel/syscall.hpp that are bpf(2) commands.
std::set<std::string> issued_commands() {
    std::vector<Syscall> calls = every_call(std::make_index_sequence<std::variant_size_v<Syscall>>());
    for (const IdKind kind : {IdKind::prog, IdKind::map, IdKind::btf, IdKind::link}) {
        calls.emplace_back(GetNextId{.kind = kind});
        calls.emplace_back(GetFdById{.kind = kind});
    }
    std::set<std::string> commands;
    for (const Syscall& call : calls) {
        if (const std::optional<EncodedBpf> encoded = encode_bpf(call, AttrSize::minimal))
            commands.insert(enum_text(bpf_commands, encoded->cmd));
    }
    return commands;
}

MarkdownTable command_table() {
    MarkdownTable table{.header = {"command", "number", "in minibpf", "since", "what it does"}, .by_hand = 2};
    const std::set<std::string> issued = issued_commands();
    for (std::size_t i = 0; i < all_commands.size(); ++i) {
        const std::string name(all_commands[i]);
        table.rows.push_back({code(name), std::to_string(i), issued.count(name) != 0 ? "yes" : "–"});
    }
    return table;
}

// --- hooks and maps

const std::vector<std::pair<std::string, std::vector<HookKind>>>& hook_groups() {
    using enum HookKind;
    static const std::vector<std::pair<std::string, std::vector<HookKind>>> groups = {
        {"kprobe", {kprobe, kretprobe}},
        {"ksyscall", {ksyscall, kretsyscall}},
        {"kprobe.multi", {kprobe_multi, kretprobe_multi, kprobe_session}},
        {"uprobe", {uprobe, uretprobe}},
        {"uprobe.multi", {uprobe_multi, uretprobe_multi, uprobe_session}},
        {"usdt", {usdt}},
        {"tracepoint", {tracepoint}},
        {"raw_tp", {raw_tracepoint, raw_tracepoint_writable}},
        {"tp_btf", {tp_btf}},
        {"fentry", {fentry, fexit, fmod_ret, fsession}},
        {"fentry.multi", {fentry_multi, fexit_multi, fsession_multi}},
        {"lsm", {lsm}},
        {"lsm_cgroup", {lsm_cgroup}},
        {"iter", {iter}},
        {"freplace", {freplace}},
        {"struct_ops", {struct_ops}},
        {"perf_event", {perf_event}},
        {"xdp", {xdp}},
        {"tc", {tc}},
        {"tcx", {tcx}},
        {"netkit", {netkit}},
        {"netfilter", {netfilter}},
        {"socket", {socket_filter}},
        {"sk_reuseport", {sk_reuseport}},
        {"sk_skb", {sockmap}},
        {"sk_lookup", {sk_lookup}},
        {"flow_dissector", {flow_dissector}},
        {"cgroup", {cgroup}},
        {"none", {none}},
    };
    return groups;
}

std::string attach_type_text(const SectionName& row) {
    switch (row.attach_type) {
        case uapi::BPF_TRACE_FSESSION: return "BPF_TRACE_FSESSION";
        case uapi::BPF_TRACE_FENTRY_MULTI: return "BPF_TRACE_FENTRY_MULTI";
        case uapi::BPF_TRACE_FEXIT_MULTI: return "BPF_TRACE_FEXIT_MULTI";
        case uapi::BPF_TRACE_FSESSION_MULTI: return "BPF_TRACE_FSESSION_MULTI";
        default: break;
    }
    const bool is_ingress = row.program_type == BPF_PROG_TYPE_CGROUP_SKB;
    if (row.attach_type == 0 && !is_ingress) return "0";
    return enum_text(bpf_attach_types, row.attach_type, StraceVersion::v7_2);
}

std::string target_text(const SectionName& row) {
    switch (row.target) {
        case TargetSyntax::none: return "";
        case TargetSyntax::name: return "/TARGET";
        case TargetSyntax::function: return "/FUNCTION+OFFSET";
        case TargetSyntax::tracepoint: return "/CATEGORY/NAME";
    }
    return "";
}

MarkdownTable section_table(const std::string& group) {
    MarkdownTable table{.header = {"section", "program type", "expected_attach_type", "prog_flags"}};
    const auto found = std::ranges::find(hook_groups(), group, [](const auto& pair) { return pair.first; });
    INFO("hooks called " << group);
    REQUIRE(found != hook_groups().end());
    for (const SectionName& row : section_names()) {
        if (std::ranges::find(found->second, row.hook) == found->second.end()) continue;
        std::string name = code(std::string(row.spelling) + target_text(row));
        if (!row.replacement.empty()) name += " (old: write `" + std::string(row.replacement) + "`)";
        table.rows.push_back({name, code(enum_text(bpf_prog_types, row.program_type, StraceVersion::v7_2)),
                              code(attach_type_text(row)),
                              row.sleepable   ? "`BPF_F_SLEEPABLE`"
                              : row.xdp_frags ? "`BPF_F_XDP_HAS_FRAGS`"
                                              : "0"});
    }
    return table;
}

std::vector<std::string> known_map_types() {
    std::vector<std::string> names;
    for (std::uint32_t type = 1; !map_type_name(static_cast<bpf_map_type>(type)).starts_with("type "); ++type)
        names.push_back(map_type_name(static_cast<bpf_map_type>(type)));
    return names;
}

MarkdownTable map_type_table() {
    MarkdownTable table{.header = {"type", "number", "since", "key", "value", "`max_entries`", "what it is for"},
                        .by_hand = 5};
    std::size_t number = 0;
    for (const std::string& name : known_map_types()) table.rows.push_back({code(name), std::to_string(++number)});
    return table;
}

// --- the blocks

struct GeneratedBlock {
    std::string kind, name;
    std::size_t begin = 0;  ///< of its text in the page
    std::string text;
};

std::vector<GeneratedBlock> blocks_of(const std::string& content) {
    const std::regex mark("<!-- generated: ([a-z-]+) ?(.*?) -->\n");
    std::vector<GeneratedBlock> found;
    for (std::sregex_iterator at(content.begin(), content.end(), mark), none; at != none; ++at) {
        const auto begin = static_cast<std::size_t>(at->position() + at->length());
        const std::size_t end = content.find("<!-- end -->", begin);
        REQUIRE(end != std::string::npos);
        found.push_back(
            {.kind = (*at)[1], .name = (*at)[2], .begin = begin, .text = content.substr(begin, end - begin)});
    }
    return found;
}

std::string text_for(const GeneratedBlock& block) {
    if (block.kind == "strace") return strace_block(block.name);
    if (block.kind == "fields") return text_of(fields_block(block.name), block.text);
    if (block.kind == "commands") return text_of(command_table(), block.text);
    if (block.kind == "sections") return text_of(section_table(block.name), block.text);
    if (block.kind == "map-types") return text_of(map_type_table(), block.text);
    FAIL("nothing generates blocks of kind " << block.kind);
    return {};
}

// Everything in the reference that `kind` blocks are there for.
std::set<std::string> names_of_blocks(const std::string& kind) {
    std::set<std::string> names;
    for (const std::filesystem::path& page : pages_below(reference_dir())) {
        for (const GeneratedBlock& block : blocks_of(text_file(page))) {
            if (block.kind != kind) continue;
            INFO(kind << " " << block.name << " is there twice");
            CHECK(names.insert(block.name).second);
        }
    }
    return names;
}

std::string first_word(const std::string& text) {
    return text.substr(0, text.find(' '));
}

// "## `BPF_OBJ_PIN`", or several names in one heading.
std::set<std::string> headings_that_are_calls() {
    std::set<std::string> names;
    const std::regex call("`((BPF|PERF_EVENT_IOC)_[A-Z0-9_]+|perf_event_open)`");
    for (const std::filesystem::path& page : pages_below(reference_dir() / "bpf-commands")) {
        for (const std::string& line : lines_of(text_file(page))) {
            if (!line.starts_with("## ")) continue;
            for (std::sregex_iterator at(line.begin(), line.end(), call), none; at != none; ++at)
                names.insert((*at)[1]);
        }
    }
    return names;
}

// --- the command line

std::string help_of(const std::string& command) {
    const Said said = run(loader() + " " + command + " --help");
    REQUIRE(said.status == 0);
    return said.out;
}

// "run", "map dump": what has a --help of its own.
std::vector<std::string> commands_with_help() {
    const auto listed = [](const std::string& help) {
        std::vector<std::string> names;
        bool is_list = false;
        for (const std::string& line : lines_of(help)) {
            if (line.starts_with("Subcommands:")) is_list = true;
            if (line.empty()) is_list = false;
            if (is_list && line.starts_with("  ") && line[2] != ' ') names.push_back(first_word(line.substr(2)));
        }
        return names;
    };
    std::vector<std::string> commands = {""};
    for (const std::string& name : listed(help_of(""))) {
        commands.push_back(name);
        for (const std::string& verb : listed(help_of(name))) commands.push_back(name + " " + verb);
    }
    return commands;
}

std::set<std::string> options_in(const std::string& text) {
    std::set<std::string> options;
    const std::regex option("(^|[^a-z0-9-])(--[a-z][a-z-]*[a-z])");
    for (const std::string& line : lines_of(text)) {
        for (std::sregex_iterator at(line.begin(), line.end(), option), none; at != none; ++at)
            options.insert((*at)[2]);
    }
    return options;
}

// As the transcripts are cut (readme_test.cpp).
std::string cut_line(const std::string& line) {
    return line.size() > 160 ? line.substr(0, 157) + "..." : line;
}

// --- the library: what the page shows has to compile

[[maybe_unused]] void what_the_library_page_shows(KernelGate& gate, ObjectSpec spec, const std::string& path,
                                                  const Bytes& packet, std::uint32_t key, std::uint32_t value) {
    const auto on_element = [](ByteView, ByteView) { return true; };
    spec.require_map("events").max_entries = 1 << 20;
    spec.set_variable("limit", "100");
    const auto types = make_kernel_types(gate);
    load(gate, std::move(spec), {.kernel_types = types});
    Object object = load(gate, std::move(spec), {.programs = {"hello"}});
    Program& program = object.require_program("hello");
    Map& map = object.require_map("config");
    map.lookup(bytes_of(key));
    map.next_key({});
    for_each_element(map, on_element);
    map_line(object, map);
    map.update(bytes_of(key), bytes_of(value));
    map.update("0", "\"Hey root!\"");
    object.variable<std::uint64_t>("counter");
    const Link elsewhere = attach(gate, program, parse_hook("xdp:eth0"));
    const Link by_link = attach(gate, program, {.by = AttachBy::link, .cookie = 42});
    test_run(gate, program.fd(), BPF_PROG_TYPE_XDP, "hello", {.data = packet});
    loaded_programs(gate);
    LoadedMap(gate, open_loaded(gate, IdKind::map, "counts"));
    compile_file(path);
    parse_object(compile_source(path), path);
}

// The texts in backticks of a line.
std::vector<std::string> code_spans(const std::string& line) {
    std::vector<std::string> spans;
    for (std::size_t begin = 0; (begin = line.find('`', begin)) != std::string::npos;) {
        const std::size_t end = line.find('`', begin + 1);
        if (end == std::string::npos) break;
        spans.push_back(line.substr(begin + 1, end - begin - 1));
        begin = end + 1;
    }
    return spans;
}

// A page without its code blocks.
std::string prose_of(const std::string& content) {
    std::string prose;
    bool is_code = false;
    for (const std::string& line : lines_of(content)) {
        const bool is_fence = line.starts_with("```");
        if (is_fence) is_code = !is_code;
        if (!is_code && !is_fence) prose += line + "\n";
    }
    return prose;
}

}  // namespace

TEST_CASE("the tables of the reference are those of the code", "[cli][docs][reference]") {
    std::size_t count = 0;
    for (const std::filesystem::path& page : pages_below(reference_dir())) {
        std::string content = text_file(page);
        std::vector<GeneratedBlock> blocks = blocks_of(content);
        count += blocks.size();
        std::reverse(blocks.begin(), blocks.end());  // rewriting one moves those behind it
        for (const GeneratedBlock& block : blocks) {
            INFO(page.filename() << ": " << block.kind << " " << block.name);
            const std::string text = text_for(block);
            if (environment_says("MINIBPF_REWRITE")) {
                if (without_addresses(text) != without_addresses(block.text))
                    content.replace(block.begin, block.text.size(), text);
                continue;
            }
            CHECK(without_addresses(block.text) == without_addresses(text));
            CHECK(block.text.find("| ? |") == std::string::npos);
            CHECK(block.text.find("|  |") == std::string::npos);
        }
        if (environment_says("MINIBPF_REWRITE")) write_file(page, content);
    }
    CHECK(count > 100);
    CHECK(names_of_blocks("commands").size() == 1);
    CHECK(names_of_blocks("map-types").size() == 1);
}

TEST_CASE("the reference has an entry for each bpf() command that libminibpf issues, and for no other",
          "[cli][docs][reference]") {
    std::set<std::string> calls = issued_commands();
    calls.insert({"perf_event_open", "PERF_EVENT_IOC_SET_BPF", "PERF_EVENT_IOC_ENABLE", "PERF_EVENT_IOC_DISABLE"});
    CHECK(headings_that_are_calls() == calls);
    std::set<std::string> with_line, with_fields;
    for (const std::string& name : names_of_blocks("strace")) with_line.insert(first_word(name));
    for (const std::string& name : names_of_blocks("fields")) with_fields.insert(first_word(name));
    CHECK(with_line == calls);
    for (const std::string& name : issued_commands()) {
        INFO(name);
        // Of programs, maps, BTF and links alike.
        CHECK((with_fields.count(name) == 1 || name.ends_with("_GET_NEXT_ID")));
    }
}

TEST_CASE("each command's entry begins with its kernel, the one in the table of all commands",
          "[cli][docs][reference]") {
    std::map<std::string, std::string> since;
    for (const std::string& line : lines_of(text_file(reference_dir() / "bpf-commands/README.md"))) {
        const Row cells = cells_of(line);
        if (cells.size() == 5 && cells.front().starts_with("`BPF_")) since[cells.front()] = cells[3];
    }
    CHECK(since.size() == all_commands.size());
    std::size_t count = 0;
    for (const std::filesystem::path& page : pages_below(reference_dir() / "bpf-commands")) {
        const std::vector<std::string> lines = lines_of(text_file(page));
        for (std::size_t i = 0; i + 2 < lines.size(); ++i) {
            if (!lines[i].starts_with("## `BPF_")) continue;
            const std::string first = lines[i].substr(3, lines[i].find('`', 4) - 2);
            INFO(page.filename() << ": " << first << " since " << since[first]);
            const std::string beginning = "Since " + since[first];
            CHECK(lines[i + 2].starts_with(beginning));
            CHECK(std::string(".; ").find(lines[i + 2].substr(beginning.size(), 1)) != std::string::npos);
            ++count;
        }
    }
    CHECK(count >= 20);
}

TEST_CASE("the table of commands has all that the kernel's header has", "[cli][docs][reference]") {
    const std::string header = text_file("/usr/include/linux/bpf.h");
    const std::size_t begin = header.find("enum bpf_cmd {");
    REQUIRE(begin != std::string::npos);
    const std::string commands = header.substr(begin, header.find('}', begin) - begin);
    const std::regex name("\\n\\t(BPF_[A-Z_]+),");
    std::size_t count = 0;
    for (std::sregex_iterator at(commands.begin(), commands.end(), name), none; at != none; ++at, ++count) {
        INFO((*at)[1].str());
        REQUIRE(count < all_commands.size());
        CHECK(all_commands[count] == (*at)[1].str());
    }
    CHECK(count >= 36);
}

TEST_CASE("every link of every kind has its fields in the reference", "[cli][docs][reference]") {
    const std::set<std::string> named = names_of_blocks("fields");
    for (const SampleCall& sample : sample_calls()) {
        INFO(sample.name);
        if (sample.name.starts_with("BPF_LINK_CREATE")) CHECK(named.count(sample.name) == 1);
    }
}

TEST_CASE("every section name is in one table of the reference", "[cli][docs][reference]") {
    std::set<std::string> groups;
    std::multiset<HookKind> kinds;
    for (const auto& [name, members] : hook_groups()) {
        groups.insert(name);
        kinds.insert(members.begin(), members.end());
    }
    CHECK(names_of_blocks("sections") == groups);
    for (const SectionName& row : section_names()) {
        INFO(row.spelling);
        CHECK(kinds.count(row.hook) == 1);
    }
}

TEST_CASE("the reference links to files that exist, and names functions and tests that are in them",
          "[cli][docs][reference]") {
    const std::regex link("\\]\\(([^)#:]+)(#[^)]*)?\\)");
    const std::regex function("`([A-Za-z_:]+)\\(\\)` in\\s\\[[^\\]]*\\]\\(([^)]+)\\)");
    const std::regex test("\"([^\"]+)\" in\\s\\[[^\\]]*\\]\\(([^)]+)\\)");
    std::size_t functions = 0, tests = 0;
    for (const std::filesystem::path& page : pages_below(reference_dir())) {
        const std::string content = prose_of(text_file(page));
        for (std::sregex_iterator at(content.begin(), content.end(), link), none; at != none; ++at) {
            INFO(page.filename() << " links to " << (*at)[1]);
            CHECK(std::filesystem::exists(page.parent_path() / (*at)[1].str()));
        }
        for (std::sregex_iterator at(content.begin(), content.end(), function), none; at != none; ++at, ++functions) {
            const std::string name = (*at)[1].str().substr((*at)[1].str().rfind(':') + 1);
            INFO(page.filename() << ": " << name << "() in " << (*at)[2]);
            const std::string file = text_file(page.parent_path() / (*at)[2].str());
            CHECK(
                (file.find(" " + name + "(") != std::string::npos || file.find(":" + name + "(") != std::string::npos));
        }
        for (std::sregex_iterator at(content.begin(), content.end(), test), none; at != none; ++at, ++tests) {
            INFO(page.filename() << ": a test called " << (*at)[1]);
            const std::string file = text_file(page.parent_path() / (*at)[2].str());
            CHECK(file.find("TEST_CASE(\"" + (*at)[1].str() + "\"") != std::string::npos);
        }
    }
    CHECK(functions > 60);
    CHECK(tests > 25);
}

TEST_CASE("the page of the command line has every command and every option, and no other", "[cli][docs][reference]") {
    const std::string page = text_file(reference_dir() / "command-line.md");
    const std::string prose = prose_of(page);
    std::set<std::string> options;
    for (const std::string& command : commands_with_help()) {
        const std::string help = help_of(command);
        for (const std::string& option : options_in(help)) options.insert(option);
        std::string shown;
        for (const std::string& line : lines_of(help)) shown += cut_line(line) + "\n";
        INFO("loader " << command << " --help");
        const std::string mark = "<!-- transcript: ./loader " + (command.empty() ? "" : command + " ") + "--help -->\n";
        CHECK(page.find(mark + "```\n" + shown + "```\n") != std::string::npos);
    }
    CHECK(options_in(prose) == options);
}

TEST_CASE("what the page of the library writes is compiled here", "[cli][docs][reference]") {
    const std::string source = text_file(source_dir() / "tests/cli/reference_test.cpp");
    const std::string page = text_file(reference_dir() / "library.md");
    const std::size_t begin = page.find("| to | write |");
    REQUIRE(begin != std::string::npos);
    std::size_t count = 0;
    for (const std::string& line : lines_of(page.substr(begin, page.find("\n\n", begin) - begin))) {
        for (const std::string& span : code_spans(line)) {
            INFO(span);
            CHECK(source.find("    " + span) + source.find(" = " + span) != 2 * std::string::npos);
            ++count;
        }
    }
    CHECK(count >= 12);
}

TEST_CASE("hooks are written in the reference as --attach takes them", "[cli][docs][reference]") {
    std::size_t count = 0;
    for (const std::string& line : lines_of(text_file(reference_dir() / "hooks.md"))) {
        if (!line.starts_with("| `--attach` |")) continue;
        for (std::string hook : code_spans(line.substr(std::string("| `--attach` |").size()))) {
            std::erase(hook, '\'');
            if (hook.find(':') == std::string::npos || hook.starts_with(",") || hook.ends_with("…")) continue;
            INFO(hook);
            CHECK_NOTHROW(parse_hook(hook));
            ++count;
        }
    }
    CHECK(count > 30);
}

TEST_CASE("the exit statuses in the reference are those of Blame", "[cli][docs][reference]") {
    const std::map<std::string, Blame> blames = {{"`kernel`", Blame::kernel},
                                                 {"`usage`", Blame::usage},
                                                 {"`object`", Blame::object},
                                                 {"`facility`", Blame::facility}};
    std::set<std::string> named;
    for (const std::string& line : lines_of(text_file(reference_dir() / "errors.md"))) {
        const Row cells = cells_of(line);
        if (cells.size() < 2 || blames.count(cells[1]) == 0) continue;
        INFO(line);
        CHECK(cells[0] == std::to_string(static_cast<int>(blames.at(cells[1]))));
        named.insert(cells[1]);
    }
    CHECK(named.size() == blames.size());
}
