// A section name to what the kernel is told about its program, and the hooks of the command line.
//
//     SEC("?fentry.s/vfs_read")  ->  BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, sleepable, optional, hook fentry:vfs_read
//           | |    |  `-- target
//           | |    `----- may sleep
//           | `---------- a row of the table in section_names.cpp
//           `------------ load only when asked for
#include <libminibpf/object/hook.hpp>

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include <libminibpf/base/error.hpp>
#include <libminibpf/base/nearest.hpp>
#include <libminibpf/object/section_names.hpp>

namespace minibpf {

namespace {

// Whether the row stands for the section name as libbpf 1.x reads it: "kprobe", "kprobe/do_unlinkat", but only "xdp".
bool matches(const SectionName& row, std::string_view section) noexcept {
    if (!section.starts_with(row.spelling)) return false;
    if (section.size() == row.spelling.size()) return true;
    return row.target != TargetSyntax::none && section[row.spelling.size()] == '/';
}

// libbpf before 1.0 compared only the beginning, so that older sources have SEC("xdp_pass"), SEC("socket1").
bool matches_loosely(const SectionName& row, std::string_view section) noexcept {
    if (row.target != TargetSyntax::none || !section.starts_with(row.spelling)) return false;
    if (section.size() == row.spelling.size()) return false;
    const char next = section[row.spelling.size()];
    return next == '/' || next == '_' || next == '-' || (next >= '0' && next <= '9');
}

struct Match {
    const SectionName* row = nullptr;
    bool loose = false;
};

Match find_row(std::string_view section) noexcept {
    Match loose{.row = nullptr, .loose = true};
    for (const SectionName& row : section_names()) {
        if (section.empty() || section.front() != row.spelling.front()) continue;
        if (matches(row, section)) return {.row = &row, .loose = false};
        const bool longer = loose.row == nullptr || row.spelling.size() > loose.row->spelling.size();
        if (longer && matches_loosely(row, section)) loose.row = &row;
    }
    return loose;
}

std::string_view without_question_mark(std::string_view section) noexcept {
    return section.starts_with('?') ? section.substr(1) : section;
}

std::string suggestion(std::string_view section) {
    const std::string whole = nearest(section, section_name_spellings());
    const std::size_t slash = section.find('/');
    if (slash == std::string_view::npos || whole.find('/') != std::string::npos) return whole;
    const std::string head = nearest(section.substr(0, slash), section_name_spellings());
    return head.empty() ? whole : head + std::string(section.substr(slash));
}

// The number after a '+': decimal, hexadecimal with 0x. Nothing when it is no number to its end.
std::optional<std::uint64_t> parse_offset(std::string_view text) noexcept {
    const bool hex = text.starts_with("0x") || text.starts_with("0X");
    if (hex) text.remove_prefix(2);
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, hex ? 16 : 10);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// A '+' not followed by a number belongs to the name: C++ functions are called operator+.
void set_target(Hook& hook, const SectionName& row, std::string_view target) {
    const std::size_t plus = target.rfind('+');
    if (row.target == TargetSyntax::function && plus != std::string_view::npos) {
        if (const auto offset = parse_offset(target.substr(plus + 1))) {
            hook.offset = *offset;
            target = target.substr(0, plus);
        }
    }
    hook.target = target;
}

Hook bare_hook(const SectionName& row) {
    return {.kind = row.hook, .target = {}, .offset = 0, .attach_type = static_cast<bpf_attach_type>(row.attach_type)};
}

std::string spelling_warning(const Match& match, std::string_view section) {
    const SectionName& row = *match.row;
    if (!row.replacement.empty()) {
        return fmt::format("SEC(\"{}\") is an old name: write SEC(\"{}\")", section, row.replacement);
    }
    if (match.loose) return fmt::format("SEC(\"{}\") is a loose spelling: write SEC(\"{}\")", section, row.spelling);
    const bool has_target = section.size() > row.spelling.size();
    const std::string_view target = has_target ? section.substr(row.spelling.size() + 1) : std::string_view();
    if (row.target == TargetSyntax::tracepoint && has_target && target.find('/') == std::string_view::npos) {
        return fmt::format("SEC(\"{}\") does not say where: write SEC(\"{}/CATEGORY/{}\")", section, row.spelling,
                           target);
    }
    return {};
}

std::string did_you_mean(const std::string& name) {
    return name.empty() ? "" : fmt::format("did you mean '{}'?", name);
}

const SectionName& require_hook_kind(std::string_view kind, std::string_view text) {
    const SectionName* row = find_spelling(kind);
    if (row == nullptr) {
        // "kprobe/do_unlinkat" is the section name's form.
        const Match match = find_row(text);
        const bool section_form = match.row != nullptr && !match.loose && text.size() > match.row->spelling.size();
        throw_usage(fmt::format("'{}' is no kind of hook", kind),
                    section_form ? fmt::format("write KIND:TARGET, here {}:{}", match.row->spelling,
                                               text.substr(match.row->spelling.size() + 1))
                                 : did_you_mean(nearest(kind, section_name_spellings())));
    }
    if (row->hook == HookKind::none) {
        throw_usage(fmt::format("'{}' is a kind of program that is attached in other ways than to a hook", kind), {});
    }
    return *row;
}

// Kinds of which several rows exist that differ in the attach type: ingress and egress, bind4 and connect6.
bool has_variants(HookKind kind) noexcept {
    return kind == HookKind::cgroup || kind == HookKind::tc || kind == HookKind::tcx || kind == HookKind::netkit ||
           kind == HookKind::sockmap;
}

std::string_view hook_spelling(const Hook& hook) noexcept {
    if (hook.kind == HookKind::none) return "none";
    const SectionName* first = nullptr;
    for (const SectionName& row : section_names()) {
        if (row.hook != hook.kind || !row.replacement.empty()) continue;
        if (!has_variants(hook.kind) || row.attach_type == static_cast<std::uint32_t>(hook.attach_type)) {
            return row.spelling;
        }
        if (first == nullptr) first = &row;
    }
    return first->spelling;  // every kind has a row
}

}  // namespace

std::optional<ProgramKind> find_program_kind(std::string_view section) {
    const std::string_view name = without_question_mark(section);
    const Match match = find_row(name);
    if (match.row == nullptr) return std::nullopt;
    const SectionName& row = *match.row;
    ProgramKind kind{.type = static_cast<bpf_prog_type>(row.program_type),
                     .expected_attach_type = static_cast<bpf_attach_type>(row.attach_type),
                     .sleepable = row.sleepable,
                     .optional = section.starts_with('?'),
                     .hook = bare_hook(row),
                     .warning = spelling_warning(match, name),
                     .xdp_frags = row.xdp_frags};
    if (!match.loose && name.size() > row.spelling.size()) {
        set_target(kind.hook, row, name.substr(row.spelling.size() + 1));
    }
    return kind;
}

ProgramKind parse_section_name(std::string_view section) {
    if (std::optional<ProgramKind> kind = find_program_kind(section)) return std::move(*kind);
    throw_malformed(fmt::format("section '{}' is no known kind of program", section),
                    did_you_mean(suggestion(without_question_mark(section))));
}

std::string nearest_section_name(std::string_view section) {
    return section.starts_with(".text") ? std::string() : suggestion(without_question_mark(section));
}

Hook parse_hook(std::string_view text) {
    const std::size_t colon = text.find(':');
    const SectionName& row = require_hook_kind(text.substr(0, colon), text);
    Hook hook = bare_hook(row);
    if (colon != std::string_view::npos) set_target(hook, row, text.substr(colon + 1));
    if (row.target != TargetSyntax::none && hook.target.empty()) {
        throw_usage(fmt::format("hook '{}' has no target", text),
                    row.target == TargetSyntax::tracepoint ? fmt::format("write {}:CATEGORY/NAME", row.spelling)
                                                           : fmt::format("write {}:NAME", row.spelling));
    }
    if (row.target == TargetSyntax::tracepoint && hook.target.find('/') == std::string::npos) {
        throw_usage(fmt::format("hook '{}' names no category", text),
                    fmt::format("write {}:CATEGORY/{}", row.spelling, hook.target));
    }
    return hook;
}

ProgramKind program_kind_at(const Hook& hook) {
    ProgramKind kind{.hook = hook};
    if (const SectionName* row = find_spelling(hook_spelling(hook))) {
        kind.type = static_cast<bpf_prog_type>(row->program_type);
        kind.expected_attach_type = static_cast<bpf_attach_type>(row->attach_type);
    }
    return kind;
}

std::string hook_text(const Hook& hook) {
    std::string text(hook_spelling(hook));
    if (!hook.target.empty()) text += fmt::format(":{}", hook.target);
    if (hook.offset != 0) text += fmt::format("+0x{:x}", hook.offset);
    return text;
}

}  // namespace minibpf
