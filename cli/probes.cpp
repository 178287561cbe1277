// `loader probes`: what can be attached to, a hook on each line.
#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <libminibpf/attach/probe_pattern.hpp>
#include <libminibpf/attach/probes.hpp>
#include <libminibpf/attach/uprobe_file.hpp>
#include <libminibpf/base/nearest.hpp>
#include <libminibpf/load/kernel_types.hpp>

#include "command.hpp"
#include "narration.hpp"
#include "output.hpp"
#include "probe_details.hpp"

namespace cli {

using namespace minibpf;

namespace {

constexpr const char* probes_examples = R"(Examples:
  loader probes execve                             whatever has execve in its name
  loader probes -v tracepoint:syscalls/sys_enter_execve     with its fields, and as a C struct
  loader probes 'sched:*' --kind tracepoint
  loader probes -v 'kprobe:vfs_*'                  functions of the kernel, with their prototypes
  loader probes 'uprobe:/bin/bash:read*'           functions of a program; a library by its name: uprobe:libc:mal*
  loader probes -v --kind usdt --file /usr/sbin/mysqld

PATTERN is matched like a file's name by the shell when it has `*`, `?` or `[...]` in it, and is a part of the name
otherwise. It may have a hook's form, KIND:NAME. Without one everything is listed.

Each line is a hook as --attach takes it. Kinds are tracepoint, raw_tracepoint, function (kprobe:...), lsm, iter, btf
(fentry:... and tp_btf:...), uprobe and usdt; the last two are of the FILE, and btf is listed when it is asked for.)";

struct ProbeOptions {
    std::string pattern, file;
    std::vector<std::string> kinds;
    bool details = false;
    bool json = false;
    Trace trace;
};

struct KindName {
    ProbeKind kind;
    const char* name;
    const char* singular;
    const char* plural;
};

constexpr std::array<KindName, 8> kind_names = {
    {{ProbeKind::tracepoint, "tracepoint", "tracepoint", "tracepoints"},
     {ProbeKind::raw_tracepoint, "raw_tracepoint", "raw tracepoint", "raw tracepoints"},
     {ProbeKind::function, "function", "function", "functions"},
     {ProbeKind::lsm, "lsm", "LSM hook", "LSM hooks"},
     {ProbeKind::iterator, "iter", "iterator", "iterators"},
     {ProbeKind::btf, "btf", "hook by BTF", "hooks by BTF"},
     {ProbeKind::uprobe, "uprobe", "function of the file", "functions of the file"},
     {ProbeKind::usdt, "usdt", "USDT probe", "USDT probes"}}};

const KindName& name_of(ProbeKind kind) {
    return *std::find_if(kind_names.begin(), kind_names.end(), [&](const KindName& row) { return row.kind == kind; });
}

/// Lists one kind after the other, and keeps the names for the case that none of them was meant.
class ProbeLister {
public:
    ProbeLister(KernelGate& gate, const ProbeOptions& options)
        : gate_(gate), options_(options), pattern_(parse_probe_pattern(options.pattern)), types_(gate, "") {
        if (pattern_.file.empty()) pattern_.file = options.file;
        set_kinds();
    }

    void list() {
        if (options_.json) say_as_it_is("[");
        for (const KindName& row : kind_names) {
            if (kinds_.contains(row.kind) && !should_stop()) list_or_note(row.kind);
        }
        if (options_.json) say(json_begun_ ? "\n]" : "]");
        flush_output();
        if (!should_stop()) conclude();
    }

private:
    void set_kinds() {
        for (const std::string& name : options_.kinds) {
            for (const KindName& row : kind_names) {
                if (name == row.name) kinds_.insert(row.kind);
            }
        }
        if (pattern_.kind) kinds_ = {*pattern_.kind};
        are_asked_for_ = !kinds_.empty();
        const bool of_file = kinds_.contains(ProbeKind::uprobe) || kinds_.contains(ProbeKind::usdt);
        if (of_file && pattern_.file.empty()) {
            throw_usage("uprobes and USDT probes are of a file, and none is named",
                        "loader probes 'uprobe:/bin/bash:*', or --file /bin/bash");
        }
        if (are_asked_for_) return;
        if (!pattern_.file.empty()) {
            kinds_ = {ProbeKind::uprobe, ProbeKind::usdt};
        } else {
            kinds_ = {ProbeKind::tracepoint, ProbeKind::raw_tracepoint, ProbeKind::function, ProbeKind::lsm,
                      ProbeKind::iterator};
        }
    }

    // Where nobody asked for just this kind, the others are listed without it.
    void list_or_note(ProbeKind kind) {
        try {
            list_kind(kind);
        } catch (const Error& error) {
            const bool needs_btf = kind == ProbeKind::lsm || kind == ProbeKind::iterator;
            if (are_asked_for_ || kind == ProbeKind::uprobe || kind == ProbeKind::usdt) throw;
            if (!needs_btf) note(fmt::format("loader: no {}: {}", name_of(kind).plural, error.what()));
            if (!problem_) problem_ = error;
        }
    }

    void list_kind(ProbeKind kind) {
        switch (kind) {
            case ProbeKind::tracepoint: return list_tracepoints_of_kernel();
            case ProbeKind::raw_tracepoint: return list_raw_tracepoints();
            case ProbeKind::function: return list_functions();
            case ProbeKind::lsm: return list_by_btf(kind, "lsm:", lsm_hooks(types_.vmlinux()), "bpf_lsm_");
            case ProbeKind::iterator: return list_by_btf(kind, "iter:", iterators(types_.vmlinux()), "bpf_iter_");
            case ProbeKind::btf: return list_typed();
            case ProbeKind::uprobe: return list_file_functions();
            case ProbeKind::usdt: return list_usdt();
        }
    }

    void list_tracepoints_of_kernel() {
        for (const std::string& tracepoint : list_tracepoints(gate_)) {
            const std::size_t slash = tracepoint.find('/');
            offer(ProbeKind::tracepoint, "tracepoint:" + tracepoint, tracepoint.substr(0, slash),
                  tracepoint.substr(slash + 1), [&] { return tracepoint_details(gate_, tracepoint); });
        }
    }

    void list_raw_tracepoints() {
        const btf::Btf* kernel = kernel_btf();
        if (kernel != nullptr) return list_raw_tracepoints_by_btf(ProbeKind::raw_tracepoint, "raw_tp:");
        for (const std::string& name : raw_tracepoints(list_tracepoints(gate_))) {
            offer(ProbeKind::raw_tracepoint, "raw_tp:" + name, "", name,
                  [&] { return raw_tracepoint_details(nullptr, name, ""); });
        }
    }

    // The kernel's own, and then those of each module, which has BTF of its own. LSM hooks and iterators are the
    // kernel's alone.
    void list_raw_tracepoints_by_btf(ProbeKind kind, const std::string& prefix) {
        std::vector<std::pair<std::string_view, const btf::Btf*>> all = types_.module_types();
        all.insert(all.begin(), {"", &types_.vmlinux()});
        for (const auto& [module, types] : all) {
            const std::string_view group = module;
            for (const std::string& name : raw_tracepoints(*types)) {
                offer(kind, prefix + name, group, name,
                      [&, types = types] { return raw_tracepoint_details(types, name, group); });
            }
        }
    }

    void list_functions() {
        if (!has_kprobes(gate_)) {
            note(are_asked_for_ ? "loader: this kernel has no kprobes: none of its functions can be probed"
                                : "loader: no functions: this kernel has no kprobes (--kind function lists them all "
                                  "the same)");
            if (!are_asked_for_) {
                kinds_.erase(ProbeKind::function);
                return;
            }
        }
        const KernelFunctions& known = functions();
        for (const KernelFunction& function : known.functions) {
            offer(ProbeKind::function, "kprobe:" + function.name, function.module, function.name,
                  [&] { return function_details(types_, kernel_btf(), function); });
        }
        if (!known.is_exact && shown_of(ProbeKind::function) > 0) {
            note(
                fmt::format("loader: the functions are those of {}, for available_filter_functions cannot be read: "
                            "some are kept from probes",
                            known.source));
        }
    }

    void list_by_btf(ProbeKind kind, const char* hook, const std::vector<std::string>& names, const char* function) {
        for (const std::string& name : names) {
            offer(kind, hook + name, "", name, [&] { return prototype_details(types_.vmlinux(), function + name); });
        }
    }

    void list_typed() {
        const btf::Btf& kernel = types_.vmlinux();
        const auto is_wanted = [&](std::string_view prefix) {
            return pattern_.prefix.empty() || (pattern_.prefix == "tp_btf") == (prefix == "tp_btf");
        };
        if (is_wanted("tp_btf")) list_raw_tracepoints_by_btf(ProbeKind::btf, "tp_btf:");
        if (!is_wanted("fentry")) return;
        for (const KernelFunction& function : functions().functions) {
            if (!function.module.empty() || !kernel.find(btf::Kind::func, function.name)) continue;
            offer(ProbeKind::btf, "fentry:" + function.name, "", function.name,
                  [&] { return prototype_details(kernel, function.name); });
        }
    }

    void list_file_functions() {
        const std::string& path = file().path();
        for (const FileFunction& function : file_functions(file().executable())) {
            offer(ProbeKind::uprobe, fmt::format("uprobe:{}:{}", path, function.name), "", function.name,
                  [&] { return file_function_details(function); });
        }
    }

    void list_usdt() {
        const std::string& path = file().path();
        for (const UsdtProbe& probe : usdt_probes(file().executable())) {
            offer(ProbeKind::usdt, fmt::format("usdt:{}:{}:{}", path, probe.provider, probe.name), probe.provider,
                  probe.name, [&] { return usdt_details(probe); });
        }
    }

    template <class Describe>
    void offer(ProbeKind kind, const std::string& hook, std::string_view group, std::string_view name,
               const Describe& describe) {
        if (should_stop()) return;
        if (!pattern_.matches(group, name)) {
            if (shown_ == 0) others_.push_back({hook, std::string(name)});
            return;
        }
        ++shown_;
        ++counts_[static_cast<std::size_t>(kind)];
        show(kind, hook, options_.details ? describe() : ProbeDetails());
        if (shown_ % 256 == 0) flush_output();  // sees that nobody reads any more
    }

    void show(ProbeKind kind, const std::string& hook, const ProbeDetails& details) {
        if (options_.json) {
            nlohmann::ordered_json object = {{"hook", hook}, {"kind", name_of(kind).name}};
            object.update(details.json);
            say_as_it_is(json_begun_ ? ",\n" : "\n");
            say_as_it_is(object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
            json_begun_ = true;
            return;
        }
        say(printable(hook));
        for (const std::string& line : details.lines) say("    " + printable(line));
    }

    void conclude() {
        if (shown_ == 0) throw_none_found();
        std::vector<std::string> parts;
        for (const KindName& row : kind_names) {
            const std::size_t count = shown_of(row.kind);
            if (count > 0) parts.push_back(fmt::format("{} {}", count, count == 1 ? row.singular : row.plural));
        }
        note(fmt::format("loader: {}", fmt::join(parts, ", ")));
    }

    [[noreturn]] void throw_none_found() {
        if (problem_) throw *problem_;
        std::vector<std::string> plurals;
        for (const ProbeKind kind : kinds_) plurals.emplace_back(name_of(kind).plural);
        if (others_.empty())
            throw_malformed(fmt::format("there are no {}{}", fmt::join(plurals, " or "),
                                        file_ ? fmt::format(" in {}", file_->path()) : ""));
        const std::string where = pattern_.file.empty() ? "" : fmt::format(" in {}", pattern_.file);
        throw_malformed(fmt::format("nothing{} matches '{}' among {} {}", where, options_.pattern, others_.size(),
                                    fmt::join(plurals, ", ")),
                        nearest_hooks());
    }

    // The nearest name may be that of several hooks.
    std::string nearest_hooks() const {
        std::string wanted = pattern_.name.substr(pattern_.name.rfind('/') + 1);
        wanted.erase(std::remove_if(wanted.begin(), wanted.end(), [](char c) { return c == '*' || c == '?'; }),
                     wanted.end());
        std::vector<std::string_view> names;
        for (const Other& other : others_) {
            const std::size_t longer = std::max(other.name.size(), wanted.size());
            if (longer - std::min(other.name.size(), wanted.size()) <= 3) names.push_back(other.name);
        }
        const std::string near = nearest(wanted, names);
        if (near.empty()) return "a part of the name is enough: loader probes execve";
        std::vector<std::string> hooks;
        for (const Other& other : others_) {
            if (other.name == near && hooks.size() < 4) hooks.push_back(printable(other.hook));
        }
        return fmt::format("did you mean {}?", fmt::join(hooks, " or "));
    }

    const btf::Btf* kernel_btf() {
        try {
            return &types_.vmlinux();
        } catch (const Error&) {
            return nullptr;  // it is an extra here
        }
    }

    const KernelFunctions& functions() {
        if (!functions_) functions_ = list_kernel_functions(gate_);
        return *functions_;
    }

    UprobeFile& file() {
        if (!file_) file_ = UprobeFile::open(gate_, pattern_.file, "listing probes");
        return *file_;
    }

    std::size_t shown_of(ProbeKind kind) const { return counts_[static_cast<std::size_t>(kind)]; }

    struct Other {
        std::string hook, name;
    };

    KernelGate& gate_;
    const ProbeOptions& options_;
    ProbePattern pattern_;
    KernelTypes types_;
    std::set<ProbeKind> kinds_;
    bool are_asked_for_ = false;
    bool json_begun_ = false;
    std::optional<KernelFunctions> functions_;
    std::optional<UprobeFile> file_;
    std::optional<Error> problem_;  ///< the first of those that were gone past
    std::size_t shown_ = 0;
    std::array<std::size_t, kind_names.size()> counts_{};
    std::vector<Other> others_;  ///< while nothing has matched
};

void list_probes(const ProbeOptions& options) {
    QueryGate gate(options.trace);
    ProbeLister(gate.get(), options).list();
    gate.finish();
}

}  // namespace

Action declare_probes(CLI::App& app) {
    const auto options = std::make_shared<ProbeOptions>();
    std::vector<std::string> kinds;
    for (const KindName& row : kind_names) kinds.emplace_back(row.name);
    app.add_option("PATTERN", options->pattern, "a part of the name, a shell pattern, or a hook with one in it");
    app.add_flag("-v,--verbose", options->details,
                 "fields and C structs of tracepoints, arguments, prototypes, places in the file");
    app.add_option("--kind", options->kinds, "only this kind (may be repeated)")
        ->check(CLI::IsMember(kinds))
        ->type_name("KIND")
        ->allow_extra_args(false);
    app.add_option("--file", options->file, "functions and USDT probes of this program or library")->type_name("FILE");
    app.add_flag("--json", options->json, "an array of objects, one on each line");
    declare_trace(app, options->trace);
    app.footer(probes_examples);
    return [options] { list_probes(*options); };
}

}  // namespace cli
