// A pattern has the form of a hook, for hooks are what comes out: what was printed can be asked for again.
#include <libminibpf/attach/probe_pattern.hpp>

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fnmatch.h>

namespace minibpf {

namespace {

struct ProbePrefix {
    std::string_view text;
    ProbeKind kind;
};

constexpr std::array<ProbePrefix, 17> probe_prefixes = {{{"tracepoint", ProbeKind::tracepoint},
                                                         {"tp", ProbeKind::tracepoint},
                                                         {"raw_tp", ProbeKind::raw_tracepoint},
                                                         {"raw_tracepoint", ProbeKind::raw_tracepoint},
                                                         {"kprobe", ProbeKind::function},
                                                         {"kretprobe", ProbeKind::function},
                                                         {"kprobe.multi", ProbeKind::function},
                                                         {"lsm", ProbeKind::lsm},
                                                         {"iter", ProbeKind::iterator},
                                                         {"fentry", ProbeKind::btf},
                                                         {"fexit", ProbeKind::btf},
                                                         {"fmod_ret", ProbeKind::btf},
                                                         {"tp_btf", ProbeKind::btf},
                                                         {"uprobe", ProbeKind::uprobe},
                                                         {"uretprobe", ProbeKind::uprobe},
                                                         {"uprobe.multi", ProbeKind::uprobe},
                                                         {"usdt", ProbeKind::usdt}}};

void take_prefix(std::string_view& text, ProbePattern& pattern) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return;
    for (const ProbePrefix& prefix : probe_prefixes) {
        if (text.substr(0, colon) != prefix.text) continue;
        text.remove_prefix(colon + 1);
        pattern.kind = prefix.kind;
        pattern.prefix = prefix.text;
        return;
    }
}

// Where the file ends in FILE, FILE:NAME or, for usdt, FILE:PROVIDER:NAME.
std::size_t end_of_file(std::string_view text, ProbeKind kind) {
    const std::size_t last = text.rfind(':');
    if (last == std::string_view::npos || kind == ProbeKind::uprobe || last == 0) return last;
    const std::size_t before = text.rfind(':', last - 1);
    return before == std::string_view::npos ? last : before;
}

bool has_wildcard(std::string_view text) {
    return text.find_first_of("*?[") != std::string_view::npos;
}

}  // namespace

bool ProbePattern::matches(std::string_view group, std::string_view candidate) const {
    if (name.empty()) return true;
    const std::string whole = group.empty() ? std::string(candidate) : fmt::format("{}/{}", group, candidate);
    if (!has_wildcard(name)) return whole.find(name) != std::string::npos;
    return fnmatch(name.c_str(), whole.c_str(), 0) == 0 ||
           (!group.empty() && fnmatch(name.c_str(), std::string(candidate).c_str(), 0) == 0);
}

ProbePattern parse_probe_pattern(std::string_view text) {
    ProbePattern pattern;
    take_prefix(text, pattern);
    if (pattern.kind == ProbeKind::uprobe || pattern.kind == ProbeKind::usdt) {
        const std::size_t end = end_of_file(text, *pattern.kind);
        pattern.file = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (text.starts_with(':')) text.remove_prefix(1);  // FILE::NAME, of any provider
    }
    pattern.name = text;
    std::replace(pattern.name.begin(), pattern.name.end(), ':', '/');
    return pattern;
}

}  // namespace minibpf
