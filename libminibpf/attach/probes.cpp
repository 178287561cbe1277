// Lists of tens of thousands of names, each read in one go and sorted once. What is read is not trusted: a line that is
// not of the form that it should have is passed over.
#include <libminibpf/attach/probes.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <tuple>

#include <fcntl.h>
#include <fmt/format.h>

#include <libminibpf/attach/tracefs.hpp>
#include <libminibpf/base/error.hpp>
#include <libminibpf/base/lines.hpp>
#include <libminibpf/btf/value.hpp>
#include <libminibpf/kernel/files.hpp>
#include <libminibpf/load/kernel_symbols.hpp>

namespace minibpf {

namespace {

constexpr std::size_t longest_function_name = 4096;

template <class Take>
void for_each_line_of(std::string_view text, Take take) {
    while (!text.empty()) {
        const std::string_view line = take_line(text);
        if (!line.empty()) take(line);
    }
}

void sort_once(std::vector<std::string>& names) {
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
}

// A function of the kernel comes before one of a module that has its name.
std::vector<KernelFunction> counted(std::vector<KernelFunction> functions) {
    std::sort(functions.begin(), functions.end(), [](const KernelFunction& a, const KernelFunction& b) {
        return std::tie(a.name, a.module) < std::tie(b.name, b.module);
    });
    std::size_t kept = 0;
    for (std::size_t i = 0; i < functions.size(); ++i) {
        if (kept > 0 && functions[kept - 1].name == functions[i].name) {
            ++functions[kept - 1].count;
        } else {
            if (kept != i) functions[kept] = std::move(functions[i]);
            ++kept;
        }
    }
    functions.erase(functions.begin() + static_cast<std::ptrdiff_t>(kept), functions.end());
    return functions;
}

// Symbols in the kernel's code that nobody calls by that name. BPF programs are listed as if they were of a module
// "bpf", and so are the trampolines ("__builtin__ftrace", "__builtin__kprobes").
bool is_called(std::string_view symbol, std::string_view module) {
    constexpr std::array<std::string_view, 5> others = {"__pfx_", "__cfi_", "__SCT__", "__SCK__", "__ftrace_invalid"};
    if (module == "bpf" || module.starts_with("__builtin__")) return false;
    if (symbol.find(".cold") != std::string_view::npos) return false;
    const auto valid = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '.' || c == '$'; };
    if (symbol.empty() || symbol[0] == '.' || !std::all_of(symbol.begin(), symbol.end(), valid)) return false;
    return std::none_of(others.begin(), others.end(),
                        [&](std::string_view other) { return symbol.starts_with(other); });
}

/// Names of the BTF's types of one kind that begin with `prefix`, without it.
template <class Accept>
std::vector<std::string> names_behind(const btf::Btf& kernel, btf::Kind kind, std::string_view prefix, Accept accept) {
    std::vector<std::string> names;
    for (btf::TypeId id = std::max(kernel.first_of(kind), kernel.first_id()); id <= kernel.last_id(); ++id) {
        if (kernel.kind(id) != kind) continue;
        const std::string_view name = kernel.name(id);
        if (name.size() > prefix.size() && name.starts_with(prefix) && accept(id))
            names.emplace_back(name.substr(prefix.size()));
    }
    sort_once(names);
    return names;
}

// DEFINE_BPF_ITER_FUNC() gives them all this first argument (include/linux/bpf.h); other functions of such a name, like
// bpf_iter_num_new(), have not, but for one that looks into it.
bool takes_iterator_meta(const btf::Btf& kernel, btf::TypeId function) {
    const btf::Type proto = kernel.type(kernel.target(function));
    if (proto.kind != btf::Kind::func_proto || proto.vlen == 0) return false;
    const btf::Type first = kernel.stripped(kernel.params(proto).front().type);
    return first.kind == btf::Kind::ptr && kernel.stripped(first.target()).name == "bpf_iter_meta" &&
           kernel.name(function) != "bpf_iter_get_info";
}

// "(int first, long second)" of a prototype, without its first parameter, `void *__data`.
std::string arguments_text(const btf::Btf& kernel, const btf::Type& proto) {
    std::string text = "(";
    const std::vector<btf::Param> params = kernel.params(proto);
    for (std::size_t i = 1; i < params.size(); ++i) {
        if (i > 1) text += ", ";
        const std::string type = btf::type_text(kernel, params[i].type);
        const bool joined = params[i].name.empty() || type.ends_with('*');
        text += fmt::format("{}{}{}", type, joined ? "" : " ", params[i].name);
    }
    return text + ")";
}

bool can_open(KernelGate& gate, const std::string& path, const Reason& reason) {
    const Answer answer = gate.enter(OpenAt{.path = path, .flags = O_RDONLY}, reason);
    if (answer.ok()) Fd(gate, answer.fd()).reset();
    return answer.ok();
}

}  // namespace

std::vector<std::string> parse_available_events(std::string_view text) {
    std::vector<std::string> tracepoints;
    for_each_line_of(text, [&](std::string_view line) {
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos || colon == 0 || colon + 1 == line.size()) return;
        tracepoints.push_back(fmt::format("{}/{}", line.substr(0, colon), line.substr(colon + 1)));
    });
    sort_once(tracepoints);
    return tracepoints;
}

std::vector<std::string> list_tracepoints(KernelGate& gate) {
    const TracefsFile file = open_tracefs(gate, "available_events", O_RDONLY, "all tracepoints of this kernel");
    if (!file.fd.is_open()) return {};
    const Bytes content = read_all(gate, file.fd.get(), file.path);
    return parse_available_events(text_of(content));
}

std::vector<TracepointField> tracepoint_fields(KernelGate& gate, const std::string& tracepoint) {
    const TracefsFile file = open_tracefs(gate, fmt::format("events/{}/format", tracepoint), O_RDONLY, "its fields");
    if (!file.fd.is_open()) return {};
    const Bytes content = read_all(gate, file.fd.get(), file.path);
    return parse_tracepoint_format(text_of(content));
}

std::vector<std::string> raw_tracepoints(const btf::Btf& kernel) {
    return names_behind(kernel, btf::Kind::typedef_, "btf_trace_", [](btf::TypeId) { return true; });
}

std::vector<std::string> raw_tracepoints(const std::vector<std::string>& tracepoints) {
    std::vector<std::string> names;
    for (const std::string& tracepoint : tracepoints) {
        if (!tracepoint.starts_with("syscalls/")) names.push_back(tracepoint.substr(tracepoint.find('/') + 1));
    }
    sort_once(names);
    return names;
}

// The typedef's parameters have types alone. __traceiter_NAME, which calls those who are attached, has the same ones
// with their names (include/linux/tracepoint.h).
std::string raw_tracepoint_arguments(const btf::Btf& kernel, std::string_view name) {
    if (const auto iter = kernel.find(btf::Kind::func, fmt::format("__traceiter_{}", name))) {
        const btf::Type proto = kernel.type(kernel.target(*iter));
        if (proto.kind == btf::Kind::func_proto) return arguments_text(kernel, proto);
    }
    const auto type = kernel.find(btf::Kind::typedef_, fmt::format("btf_trace_{}", name));
    if (!type) return {};
    const btf::Type pointer = kernel.stripped(*type);
    if (pointer.kind != btf::Kind::ptr) return {};
    const btf::Type proto = kernel.type(pointer.target());
    return proto.kind == btf::Kind::func_proto ? arguments_text(kernel, proto) : std::string();
}

std::vector<std::string> lsm_hooks(const btf::Btf& kernel) {
    // Functions of kernel/bpf/bpf_lsm.c that are called like hooks.
    constexpr std::array<std::string_view, 9> others = {"verify_prog",        "func_proto",         "find_cgroup_shim",
                                                        "get_retval_range",   "is_sleepable_hook",  "is_trusted",
                                                        "has_d_inode_locked", "hook_returns_errno", "init"};
    return names_behind(kernel, btf::Kind::func, "bpf_lsm_", [&](btf::TypeId id) {
        return std::find(others.begin(), others.end(), kernel.name(id).substr(8)) == others.end();
    });
}

std::vector<std::string> iterators(const btf::Btf& kernel) {
    return names_behind(kernel, btf::Kind::func, "bpf_iter_",
                        [&](btf::TypeId id) { return takes_iterator_meta(kernel, id); });
}

std::vector<KernelFunction> parse_filter_functions(std::string_view text) {
    std::vector<KernelFunction> functions;
    for_each_line_of(text, [&](std::string_view line) {
        const std::string_view name = line.substr(0, line.find(' '));
        const std::string_view module = module_at_end(line);
        if (is_called(name, module)) functions.push_back({.name = std::string(name), .module = std::string(module)});
    });
    return counted(std::move(functions));
}

std::vector<KernelFunction> parse_kernel_symbols(std::string_view text) {
    std::vector<KernelFunction> functions;
    for_each_line_of(text, [&](std::string_view line) {
        const std::optional<KernelSymbol> symbol = parse_kernel_symbol(line);
        if (!symbol || !symbol->is_function()) return;
        if (is_called(symbol->name, symbol->module))
            functions.push_back({.name = std::string(symbol->name), .module = std::string(symbol->module)});
    });
    return counted(std::move(functions));
}

KernelFunctions list_kernel_functions(KernelGate& gate) {
    try {
        const TracefsFile file =
            open_tracefs(gate, "available_filter_functions", O_RDONLY, "the functions that can be traced");
        if (file.fd.is_open()) {
            const Bytes content = read_all(gate, file.fd.get(), file.path);
            if (!content.empty())
                return {.functions = parse_filter_functions(text_of(content)), .source = file.path, .is_exact = true};
        }
    } catch (const Error&) {
        // no tracefs, no function tracer in the kernel, or not for us: the symbols anyone may read
    }
    constexpr const char* symbols = "/proc/kallsyms";
    const Bytes content = read_file(gate, symbols, "every function of the kernel and its modules");
    return {.functions = parse_kernel_symbols(text_of(content)), .source = symbols};
}

bool has_kprobes(KernelGate& gate) {
    if (can_open(gate, "/sys/bus/event_source/devices/kprobe/type", "does this kernel have kprobes?")) return true;
    try {
        return open_tracefs(gate, "kprobe_events", O_RDONLY, "or does it take them in tracefs?").fd.is_open();
    } catch (const Error&) {
        return false;
    }
}

std::string_view compiler_suffix(std::string_view function) noexcept {
    const std::size_t dot = function.find('.');
    if (dot == std::string_view::npos) return {};
    const std::string_view suffix = function.substr(dot + 1);
    return suffix.substr(0, suffix.find('.'));
}

std::vector<FileFunction> file_functions(const elf::Executable& executable) {
    std::vector<const elf::FunctionSymbol*> symbols;
    for (const elf::FunctionSymbol& symbol : executable.functions) {
        const bool is_name = !symbol.name.empty() && symbol.name.size() <= longest_function_name;
        if (is_name && !symbol.is_indirect) symbols.push_back(&symbol);
    }
    std::sort(symbols.begin(), symbols.end(), [](const elf::FunctionSymbol* a, const elf::FunctionSymbol* b) {
        return std::tie(a->name, a->offset) < std::tie(b->name, b->offset);
    });
    std::vector<FileFunction> functions;
    for (const elf::FunctionSymbol* symbol : symbols) {
        if (functions.empty() || functions.back().name != symbol->name)
            functions.push_back({.name = symbol->name, .offsets = {}, .size = symbol->size});
        std::vector<std::uint64_t>& offsets = functions.back().offsets;
        if (offsets.empty() || offsets.back() != symbol->offset) offsets.push_back(symbol->offset);
    }
    return functions;
}

std::vector<UsdtProbe> usdt_probes(const elf::Executable& executable) {
    std::vector<elf::UsdtNote> notes = executable.usdt_notes;
    std::stable_sort(notes.begin(), notes.end(), [](const elf::UsdtNote& a, const elf::UsdtNote& b) {
        return std::tie(a.provider, a.name) < std::tie(b.provider, b.name);
    });
    std::vector<UsdtProbe> probes;
    for (const elf::UsdtNote& note : notes) {
        const bool is_same =
            !probes.empty() && probes.back().provider == note.provider && probes.back().name == note.name;
        if (!is_same) probes.push_back({.provider = note.provider, .name = note.name, .places = {}});
        probes.back().places.push_back(note);
    }
    return probes;
}

}  // namespace minibpf
