// Looks into /proc/kallsyms, which has every function of the kernel and its modules:
//
//     ffffffff8132c3a0 t do_unlinkat.isra.0
//     ffffffffc04d1000 t br_forward  [bridge]
//
// A compiler that changes what a function takes (isra), knows one of its arguments (constprop) or moves a rarely used
// piece of it away (part, cold) gives what results a suffix. A function that was inlined everywhere is not there at
// all, and one that is there may be kept from tracing (notrace, __kprobes, noinstr).
#include <libminibpf/load/kernel_symbols.hpp>

#include <algorithm>
#include <cctype>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>

#include <libminibpf/base/error.hpp>
#include <libminibpf/base/nearest.hpp>
#include <libminibpf/kernel/fd.hpp>
#include <libminibpf/kernel/files.hpp>

namespace minibpf {

namespace {

/// What the kernel's symbols have to do with a name.
struct SymbolsLike {
    bool is_there = false;
    std::string suffixed;           ///< NAME.isra.0, what is left of it
    std::vector<std::string> near;  ///< candidates: not far in length, and the beginning is the same
};

bool could_be_meant(std::string_view name, std::string_view candidate) {
    const std::size_t shorter = std::min(name.size(), candidate.size());
    const std::size_t longer = std::max(name.size(), candidate.size());
    return !candidate.empty() && !name.empty() && candidate[0] == name[0] && longer - shorter <= 3;
}

void look_at_symbol(SymbolsLike& found, std::string_view name, std::string_view line) {
    const std::optional<KernelSymbol> parsed = parse_kernel_symbol(line);
    if (!parsed || std::tolower(static_cast<unsigned char>(parsed->type)) != 't') return;  // the code, not the data
    const std::string_view symbol = parsed->name;
    if (symbol == name) {
        found.is_there = true;
    } else if (symbol.starts_with(name) && symbol[name.size()] == '.') {
        const bool is_piece = symbol.find(".cold") != std::string_view::npos;
        if (!is_piece && found.suffixed.empty()) found.suffixed = symbol;
    } else if (could_be_meant(name, symbol)) {
        found.near.emplace_back(symbol);
    }
}

SymbolsLike symbols_like(KernelGate& gate, std::string_view name) {
    SymbolsLike found;
    constexpr const char* path = "/proc/kallsyms";
    const Answer opened =
        gate.enter(OpenAt{.path = path, .flags = O_RDONLY}, "is there a function of a similar name in the kernel?");
    if (!opened.ok()) return found;
    const Fd file(gate, opened.fd());
    for_each_line(gate, file.get(), path, [&](std::string_view line) { look_at_symbol(found, name, line); });
    return found;
}

}  // namespace

std::string_view module_at_end(std::string_view line) noexcept {
    const std::size_t begin = line.find('[');
    if (begin == std::string_view::npos || !line.ends_with(']')) return {};
    return line.substr(begin + 1, line.size() - begin - 2);
}

std::optional<KernelSymbol> parse_kernel_symbol(std::string_view line) noexcept {
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos || line.size() < space + 4 || line[space + 2] != ' ') return std::nullopt;
    const std::string_view rest = line.substr(space + 3);
    return KernelSymbol{.address = line.substr(0, space),
                        .type = line[space + 1],
                        .name = rest.substr(0, rest.find_first_of("\t ")),
                        .module = module_at_end(rest)};
}

std::string_view lockdown_level(std::string_view text) noexcept {
    const std::size_t begin = text.find('[');
    if (begin == std::string_view::npos) return {};
    return text.substr(begin + 1, text.find(']') - begin - 1);
}

std::string missing_function_hint(KernelGate& gate, const std::string& name) {
    constexpr const char* usual =
        "functions that can be traced are listed in /sys/kernel/tracing/available_filter_functions; the compiler may "
        "have inlined this one";
    SymbolsLike found;
    try {
        found = symbols_like(gate, name);
    } catch (const Error&) {
        return usual;  // it is only a hint
    }
    if (found.is_there) {
        return fmt::format(
            "{} is there, but kept from tracing (notrace, __kprobes, noinstr): probe a function that "
            "calls it, or one that it calls",
            name);
    }
    if (!found.suffixed.empty()) {
        return fmt::format(
            "the compiler changed the function and calls it {}: attach to that, but its arguments may "
            "be others",
            found.suffixed);
    }
    const std::vector<std::string_view> candidates(found.near.begin(), found.near.end());
    const std::string near = nearest(name, candidates);
    return near.empty() ? usual : fmt::format("did you mean {}? If not: {}", near, usual);
}

std::string missing_btf_function_hint(KernelGate& gate, std::string_view name) {
    SymbolsLike found;
    try {
        found = symbols_like(gate, name);
    } catch (const Error&) {
        return {};  // it is only a hint
    }
    if (found.is_there)
        return fmt::format("{0} is there, but without BTF: attach a kprobe program to it, kprobe:{0}", name);
    if (found.suffixed.empty()) return {};
    return fmt::format(
        "the compiler changed the function and calls it {0}, which has no BTF: attach a kprobe program to that, "
        "kprobe:{0}, but its arguments may be others",
        found.suffixed);
}

std::string lockdown_hint(KernelGate& gate) {
    try {
        const Bytes content = read_file(gate, "/sys/kernel/security/lockdown", "is the kernel locked down?");
        const std::string_view level = lockdown_level(text_of(content));
        if (level.empty() || level == "none") return {};
        return fmt::format(
            "the kernel is locked down ({}), which keeps even root from reading its memory by BPF, probes and tracefs: "
            "boot with lockdown=none, or with Secure Boot switched off",
            level);
    } catch (const Error&) {
        return {};
    }
}

}  // namespace minibpf
