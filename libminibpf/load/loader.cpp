// The loader: from blueprint to running code, one call after the other.
//
// In: an ObjectSpec. Out: an Object, whose descriptors keep everything alive. Each kernel object is put into its owner
// before the next call is made, so that a failure at any call closes what came before it, in reverse. Maps are made by
// map_loader.cpp.
#include <libminibpf/load/loader.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <type_traits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <libminibpf/btf/simplify.hpp>
#include <libminibpf/kernel/files.hpp>
#include <libminibpf/kernel/kernel_error.hpp>
#include <libminibpf/load/attach_target.hpp>
#include <libminibpf/load/extern_values.hpp>
#include <libminibpf/load/kernel_types.hpp>
#include <libminibpf/load/map_loader.hpp>
#include <libminibpf/load/map_slots.hpp>
#include <libminibpf/load/privilege.hpp>
#include <libminibpf/load/verifier_log.hpp>
#include <libminibpf/relocate/core.hpp>
#include <libminibpf/relocate/link.hpp>

namespace minibpf {

namespace {

std::string described(const ProgramSpec& program) {
    if (program.section.empty()) return fmt::format("program '{}'", program.name);
    return fmt::format("program '{}' (SEC {})", program.name, program.section);
}

}  // namespace

class Loader {
public:
    Loader(KernelGate& gate, ObjectSpec spec, const LoadOptions& options)
        : gate_(gate), options_(options), types_(types_for(gate, options)) {
        object_.spec_ = std::make_unique<ObjectSpec>(std::move(spec));
    }

    Object run() {
        select_programs();
        announce_names();
        find_struct_ops();
        link_programs();
        load_btf();
        MapLoader maps(gate_, spec(), object_.btf_.get(), struct_ops_, types_,
                       {.pin_directory = options_.pin_directory, .notice = options_.notice});
        try {
            create_maps(maps);
            load_programs();
            fill_program_slots();
        } catch (...) {
            maps.remove_pins();
            throw;
        }
        return std::move(object_);
    }

private:
    /// A program on its way into the kernel.
    struct Candidate {
        const ProgramSpec* spec = nullptr;
        LinkedProgram linked;
        std::vector<CoreChange> core_changes;
        std::vector<bool> externs_used;
        AttachTarget target;
        std::uint32_t expected_attach_type = 0;
        std::vector<int> fd_array;
        bool failed = false;
    };

    KernelTypes& types_for(KernelGate& gate, const LoadOptions& options) {
        if (!options.kernel_types) return own_types_.emplace(gate, options.btf);
        const std::string& file = options.kernel_types->core_btf_path();
        if (file == options.btf) return *options.kernel_types;
        const auto named = [](const std::string& path) { return path.empty() ? "the running kernel" : path; };
        throw_usage(fmt::format("the types of {} are wanted, and LoadOptions::kernel_types has those of {}",
                                named(options.btf), named(file)));
    }

    const ObjectSpec& spec() const { return *object_.spec_; }

    /// Does `work` for each candidate that is still to be loaded. What goes wrong ends the load, or with keep_going the
    /// candidate's part in it.
    template <class Work>
    void for_each_candidate(Work work) {
        for (Candidate& candidate : candidates_) {
            if (candidate.failed) continue;
            try {
                work(candidate);
            } catch (const Error& error) {
                const bool is_quit = error.detail().code == ECANCELED;
                if (!options_.keep_going || is_quit) throw;
                candidate.failed = true;
                object_.failed_.push_back({.name = candidate.spec->name, .error = error});
            }
        }
        if (!candidates_.empty() && std::ranges::all_of(candidates_, &Candidate::failed)) throw_nothing_left();
    }

    [[noreturn]] void throw_nothing_left() const {
        const Error& first = object_.failed_.front().error;
        throw first.within(fmt::format("none of the {} programs could be loaded", candidates_.size()));
    }

    // --- choosing

    void select_programs() {
        for (const std::string& name : options_.programs) spec().require_program(name);
        for (const ProgramSpec& program : spec().programs) {
            const bool named = std::ranges::find(options_.programs, program.name) != options_.programs.end();
            if (options_.programs.empty() ? is_wanted(program) : named) candidates_.push_back({.spec = &program});
        }
        if (spec().programs.empty() && spec().maps.empty()) {
            throw_malformed(fmt::format("{} has neither programs nor maps to load", spec().file_name));
        }
        for_each_candidate([](const Candidate& candidate) { check_kind(*candidate.spec); });
    }

    /// A member of tables of functions goes by them, whatever its own section says: with an optional table
    /// ("?.struct_ops") it is left out, with another it is loaded.
    bool is_wanted(const ProgramSpec& program) const {
        bool is_member = false;
        for (const MapSpec& map : spec().maps) {
            if (map.origin != MapOrigin::struct_ops || !has_member(map, program)) continue;
            if (!map.optional) return true;
            is_member = true;
        }
        return !is_member && !program.kind.optional;
    }

    static bool has_member(const MapSpec& table, const ProgramSpec& program) {
        return std::ranges::any_of(table.slots, [&](const MapSlot& slot) {
            const auto* member = std::get_if<FunctionReference>(&slot.target);
            return member != nullptr && member->function == program.function;
        });
    }

    static void check_kind(const ProgramSpec& program) {
        if (program.kind.type != BPF_PROG_TYPE_UNSPEC) return;
        std::string hint = "give --type, for instance --type tracepoint, or put it into a section such as SEC(\"xdp\")";
        const std::string near = nearest_section_name(program.section);
        if (!near.empty()) hint = fmt::format("did you mean SEC(\"{}\")? Or {}", near, hint);
        throw Error(
            {.doing = fmt::format("program '{}' lies in section '{}', which does not say what kind of program it is",
                                  program.name, program.section),
             .hint = std::move(hint),
             .blame = program.section.starts_with(".text") ? Blame::usage : Blame::object});
    }

    // All that this load may ask of the kernel's types, so that they are walked through once. Of the functions, also
    // those that are not called by a program that is loaded: there are few.
    void announce_names() {
        for (const FunctionSpec& function : spec().functions) {
            for (const CoreRelocation& relocation : function.core_relocations) announce(relocation.type);
        }
        for (const ExternSpec& external : spec().externs) {
            if (external.kind == ExternKind::kfunc) types_.expect(btf::Kind::func, btf::essential_name(external.name));
            if (external.kind == ExternKind::ksym_variable)
                types_.expect(btf::Kind::var, btf::essential_name(external.name));
        }
        for (const MapSpec& map : spec().maps) {
            if (map.origin != MapOrigin::struct_ops || map.optional) continue;
            const std::string_view table = btf::essential_name(spec().btf->type(map.btf_value_type_id).name);
            types_.expect(btf::Kind::struct_, table);
            types_.expect(btf::Kind::struct_, fmt::format("bpf_struct_ops_{}", table));
        }
        for (const Candidate& candidate : candidates_) expect_attach_target(types_, *candidate.spec);
    }

    void announce(btf::TypeId core_type) {
        if (!spec().btf || core_type > spec().btf->last_id()) return;  // core.relocate() says so better
        if (announced_.size() <= core_type) announced_.resize(core_type + 1);
        if (announced_[core_type]) return;
        announced_[core_type] = true;
        const btf::Type type = spec().btf->type(core_type);
        types_.expect(type.kind, btf::essential_name(type.name));
    }

    // A table of functions is fitted to the kernel's before its programs are loaded, for each is told which member of
    // which struct it is.
    void find_struct_ops() {
        struct_ops_.resize(spec().maps.size());
        for (std::size_t i = 0; i < spec().maps.size(); ++i) {
            MapSpec& map = object_.spec_->maps[i];
            if (map.origin != MapOrigin::struct_ops || map.optional) continue;
            try_map(i, [&] {
                struct_ops_[i] = fit_struct_ops(types_, spec(), map);
                map.value_size = static_cast<std::uint32_t>(struct_ops_[i]->value.size());
            });
        }
    }

    // --- instructions

    void link_programs() {
        CoreRelocator core(spec(), types_);
        for_each_described([&](Candidate& candidate) {
            candidate.linked = link_functions(spec(), *candidate.spec);
            candidate.core_changes = core.relocate(candidate.linked);
            candidate.externs_used = externs_used(candidate.linked, spec());
        });
        ExternFinder externs(gate_, types_, spec());
        externs.number_modules(all_externs_used());
        for_each_described([&](Candidate& candidate) {
            resolve_externs(candidate, externs);
            find_target(candidate);
        });
    }

    template <class Work>
    void for_each_described(Work work) {
        for_each_candidate([&](Candidate& candidate) {
            try {
                work(candidate);
            } catch (const Error& error) {
                throw error.within(described(*candidate.spec));
            }
        });
    }

    std::vector<bool> all_externs_used() const {
        std::vector<bool> all(spec().externs.size());
        for (const Candidate& candidate : candidates_) {
            if (candidate.failed) continue;
            for (std::size_t i = 0; i < all.size(); ++i) all[i] = all[i] || candidate.externs_used[i];
        }
        return all;
    }

    void resolve_externs(Candidate& candidate, ExternFinder& finder) {
        if (std::ranges::find(candidate.externs_used, true) == candidate.externs_used.end()) return;
        ExternValues externs = finder.find(candidate.externs_used);
        relocate_externs(candidate.linked, spec(), externs.values);
        candidate.fd_array = std::move(externs.fd_array);
    }

    void find_target(Candidate& candidate) {
        const ProgramSpec& program = *candidate.spec;
        candidate.expected_attach_type = program.kind.expected_attach_type;
        if (has_attach_target(program.kind)) {
            const auto other = options_.target_prog_fds.find(program.name);
            candidate.target = other == options_.target_prog_fds.end()
                                   ? find_attach_target(types_, program)
                                   : find_attach_target(gate_, other->second, program);
        }
        if (program.kind.type == BPF_PROG_TYPE_STRUCT_OPS) find_struct_ops_member(candidate);
    }

    /// Does `work` for a map. With keep_going, what goes wrong concerns the programs that need the map, and no others.
    template <class Work>
    void try_map(std::size_t map, Work work) {
        try {
            work();
        } catch (const Error& error) {
            if (!options_.keep_going || error.detail().code == ECANCELED) throw;
            options_.notice(fmt::format("map '{}' was left out: {}", spec().maps[map].name, error.detail().doing));
            map_errors_.emplace(map, error);
        }
    }

    void find_struct_ops_member(Candidate& candidate) const {
        for (const std::optional<StructOps>& table : struct_ops_) {
            if (!table) continue;
            const auto member = std::ranges::find(table->members, candidate.spec->function, &StructOpsMember::function);
            if (member == table->members.end()) continue;
            candidate.target = {.btf_id = table->type_id, .fd = table->btf_fd};
            candidate.expected_attach_type = member->member_index;
            return;
        }
        for (const auto& [map, error] : map_errors_) {
            if (has_member(spec().maps[map], *candidate.spec)) throw error;
        }
        throw_malformed("no struct_ops variable has it as a member, so the kernel cannot know what it is for",
                        "put it into a variable in SEC(\".struct_ops\"), or leave it out with --program");
    }

    // --- BTF

    void load_btf() {
        if (!spec().btf) return;
        const BtfLoad call{.btf = spec().btf->raw()};
        const Answer answer =
            gate_.enter(call, "the object's types: they name map keys and values and tie instructions to source lines");
        if (answer.ok()) {
            object_.btf_ = Fd(gate_, answer.fd());
            return;
        }
        if (is_final_refusal(answer.error)) throw btf_error(call, answer);
        load_simpler_btf(answer);
    }

    std::string doing_btf() const { return fmt::format("loading the BTF of {}", spec().file_name); }

    Error btf_error(const BtfLoad& call, const Answer& answer) const {
        return with_missing_capability(gate_, kernel_error(doing_btf(), call, answer),
                                       capabilities_for(BPF_PROG_TYPE_UNSPEC));
    }

    // Kinds of types that a kernel does not know yet are rewritten, the newest first, until it takes the rest.
    void load_simpler_btf(const Answer& refused) {
        btf::Btf simpler = *spec().btf;
        for (const btf::Simplification& simplification : btf::simplifications()) {
            if (!simplification.apply(simpler)) continue;
            const BtfLoad call{.btf = simpler.raw()};
            const Answer answer = gate_.enter(call, [&] {
                return fmt::format("the kernel refused the types: tried without {}", simplification.what);
            });
            if (answer.ok()) {
                object_.btf_ = Fd(gate_, answer.fd());
                btf_has_functions_ = simplification.keeps_functions;
                options_.notice(fmt::format("the kernel took the BTF of {} only without {}", spec().file_name,
                                            simplification.what));
                return;
            }
            if (is_final_refusal(answer.error)) throw btf_error(call, answer);
        }
        LoggedAnswer again = enter_with_log(gate_, BtfLoad{.btf = spec().btf->raw()});
        if (again.answer.ok()) {
            object_.btf_ = Fd(gate_, again.answer.fd());
            return;
        }
        options_.notice(
            fmt::format("{} failed ({}): going on without it\n{}", doing_btf(), errno_text(refused.error), again.log));
    }

    // --- maps

    void create_maps(MapLoader& maps) {
        std::vector<bool> needed = defined_maps(spec());
        for (const Candidate& candidate : candidates_) {
            if (!candidate.failed) note_maps_used(candidate.linked, spec(), needed);
        }
        object_.maps_.reserve(spec().maps.size());
        map_fds_.assign(spec().maps.size(), -1);
        for (std::size_t i = 0; i < spec().maps.size(); ++i) {
            if (!needed[i] || map_errors_.contains(i)) continue;
            try_map(i, [&] {
                object_.maps_.push_back(maps.create(i));
                map_fds_[i] = object_.maps_.back().fd();
            });
        }
        fill_map_slots();
    }

    Map* created(std::size_t map) {
        const auto found = std::ranges::find(object_.maps_, map_fds_[map], &Map::fd);
        return map_fds_[map] < 0 || found == object_.maps_.end() ? nullptr : &*found;
    }

    /// Puts a descriptor into the slots of every map whose definition names `target` things there.
    template <class Reference, class FdOf>
    void fill_slots(FdOf fd_of) {
        for (std::size_t i = 0; i < spec().maps.size(); ++i) {
            if (spec().maps[i].slots.empty() || spec().maps[i].origin == MapOrigin::struct_ops) continue;
            Map* map = created(i);
            if (map == nullptr) continue;
            // What another load has put into a pinned map of maps stays; its programs would not know these programs.
            if (map->was_pinned() && std::is_same_v<Reference, MapReference>) continue;
            for (const MapSlot& slot : spec().maps[i].slots) {
                const Reference* reference = std::get_if<Reference>(&slot.target);
                if (reference == nullptr) continue;
                const int fd = fd_of(*reference);
                if (fd < 0) continue;
                fill_slot(spec(), *map, slot, fd);
            }
        }
    }

    void fill_map_slots() {
        fill_slots<MapReference>([&](const MapReference& reference) { return map_fds_[reference.map]; });
    }

    void fill_program_slots() {
        const auto fd_of = [&](std::size_t function) {
            for (const Program& program : object_.programs_) {
                if (program.spec().function == function) return program.fd();
            }
            return -1;  // not loaded, because it was not asked for
        };
        fill_slots<FunctionReference>([&](const FunctionReference& reference) { return fd_of(reference.function); });
        for (std::size_t i = 0; i < struct_ops_.size(); ++i) {
            Map* map = struct_ops_[i] ? created(i) : nullptr;
            if (map == nullptr) continue;
            map->struct_ops_value_ = struct_ops_[i]->value;
            for (const StructOpsMember& member : struct_ops_[i]->members) {
                const auto fd = static_cast<std::int64_t>(fd_of(member.function));
                if (fd >= 0) std::memcpy(map->struct_ops_value_.data() + member.value_offset, &fd, sizeof fd);
            }
        }
    }

    // --- programs

    void load_programs() {
        object_.programs_.reserve(candidates_.size());
        for_each_candidate([&](Candidate& candidate) {
            check_maps(candidate);
            relocate_maps(candidate.linked, spec(), map_fds_);
            load_program(candidate);
        });
    }

    void check_maps(const Candidate& candidate) const {
        if (map_errors_.empty()) return;
        std::vector<bool> used(spec().maps.size());
        note_maps_used(candidate.linked, spec(), used);
        for (const auto& [map, error] : map_errors_) {
            if (used[map]) throw error.within(described(*candidate.spec));
        }
    }

    void load_program(const Candidate& candidate) {
        ProgLoad call = prog_load(candidate);
        if (options_.log_level != 0) return load_with_log(candidate, std::move(call));
        Answer answer = gate_.enter(call, [&] { return why_loaded(candidate); });
        // EAGAIN: a signal interrupted the verifier (bpf_check() gives up so that ^C works); not a verdict.
        for (int tries = 0; answer.error == EAGAIN && tries < 5; ++tries)
            answer = gate_.enter(call, "the verifier was interrupted: once more");
        std::string log;
        if (!answer.ok() && answer.error != ECANCELED) {
            LoggedAnswer again = enter_with_log(gate_, call, answer.error);
            log = std::move(again.log);
            if (again.answer.ok() || again.answer.error != ENOSPC) answer = again.answer;
        }
        keep_program(candidate, call, answer, std::move(log));
    }

    void load_with_log(const Candidate& candidate, ProgLoad call) {
        call.log_level = options_.log_level;
        LoggedAnswer logged = enter_with_log(gate_, call);
        for (int tries = 0; logged.answer.error == EAGAIN && tries < 5; ++tries) logged = enter_with_log(gate_, call);
        const std::string log = logged.log;
        keep_program(candidate, call, logged.answer, std::move(logged.log));
        options_.verified(candidate.spec->name, log);
    }

    void keep_program(const Candidate& candidate, const ProgLoad& call, const Answer& answer, std::string log) {
        if (!answer.ok()) {
            std::string hint = hint_for(candidate, log);
            if (hint.empty() && log.empty()) hint = unverified_hint(candidate, answer.error);
            const Error error = kernel_error(fmt::format("loading {}", described(*candidate.spec)), call, answer,
                                             std::move(hint), std::move(log));
            throw with_missing_capability(gate_, error, capabilities_for(candidate.spec->kind.type));
        }
        object_.programs_.emplace_back(*candidate.spec, Fd(gate_, answer.fd()));
    }

    ProgLoad prog_load(const Candidate& candidate) const {
        const ProgramSpec& program = *candidate.spec;
        const LinkedProgram& linked = candidate.linked;
        ProgLoad call{.name = kernel_object_name(program.name),
                      .type = program.kind.type,
                      .insns = linked.insns,
                      .license = spec().license,
                      .kern_version = spec().kern_version,
                      .prog_flags = (program.kind.sleepable ? BPF_F_SLEEPABLE : 0u) |
                                    (program.kind.xdp_frags ? BPF_F_XDP_HAS_FRAGS : 0u),
                      .prog_ifindex = program.prog_ifindex,
                      .expected_attach_type = candidate.expected_attach_type,
                      .attach_btf_id = candidate.target.btf_id,
                      .attach_prog_fd = static_cast<std::uint32_t>(candidate.target.fd),
                      .fd_array = candidate.fd_array};
        if (object_.btf_.is_open() && btf_has_functions_ && linked.func_info_rec_size != 0) {
            call.prog_btf_fd = static_cast<std::uint32_t>(object_.btf_.get());
            call.func_info_rec_size = linked.func_info_rec_size;
            call.func_info = linked.func_info;
            call.line_info_rec_size = linked.line_info_rec_size;
            call.line_info = linked.line_info;
        }
        return call;
    }

    std::string why_loaded(const Candidate& candidate) const {
        std::string why = fmt::format("the verifier checks `{}`, {} instructions, and the kernel compiles it",
                                      candidate.spec->name, candidate.linked.insns.size());
        for (std::size_t i = 1; i < candidate.linked.functions.size(); ++i) {
            why += fmt::format("{} {}", i == 1 ? "; subprograms behind it:" : ",",
                               spec().functions[candidate.linked.functions[i].function].name);
        }
        return why;
    }

    std::string hint_for(const Candidate& candidate, std::string_view log) const {
        std::string hint = poison_hint(candidate, log);
        if (hint.empty()) hint = recursion_hint(candidate);
        return hint.empty() ? verifier_hint(log, spec()) : hint;
    }

    // Refusals that come before the verifier.
    static std::string unverified_hint(const Candidate& candidate, int error) {
        if (error == EINVAL) {
            return "the verifier was not even asked: the kernel may be too old for this kind of program, or built "
                   "without "
                   "it";
        }
        if (error == EPERM && has_attach_target(candidate.spec->kind)) {
            return "run as root, or grant CAP_BPF and CAP_PERFMON; if root is refused as well, this kernel does not "
                   "attach "
                   "programs to functions";
        }
        return {};
    }

    // The verifier follows each call, and says that there are too many. Who calls whom is for us to say.
    std::string recursion_hint(const Candidate& candidate) const {
        const std::vector<std::string> loop = find_recursion(spec(), *candidate.spec);
        if (loop.empty()) return {};
        return fmt::format(
            "'{}' calls {}: BPF functions cannot be recursive, use a bounded loop or bpf_loop()", loop.front(),
            loop.size() == 2 ? "itself"
                             : fmt::format("'{}'", fmt::join(loop.begin() + 1, loop.end(), "', which calls '")));
    }

    // "invalid func unknown#195896080": an access that CO-RE could not resolve, or a weak kfunc that this kernel lacks.
    // The line before it begins with the instruction's number: "12: (85) call unknown#195896080".
    std::string poison_hint(const Candidate& candidate, std::string_view log) const {
        const std::optional<UnknownCall> call = last_unknown_call(log);
        if (!call) return {};
        const std::size_t kfunc = static_cast<std::size_t>(call->number) - missing_kfunc_base;
        if (call->number >= missing_kfunc_base && kfunc < spec().externs.size()) {
            return fmt::format("the kernel has no function '{}': ask with bpf_ksym_exists() before calling it",
                               spec().externs[kfunc].name);
        }
        const CoreChange* change =
            call->number == core_poison ? find_poisoned(candidate.core_changes, call->insn_index) : nullptr;
        if (change == nullptr) return {};
        return fmt::format(
            "instruction {} was made invalid, since the kernel does not have what it reads: {}; ask with "
            "bpf_core_field_exists() (or its like) before reading it",
            call->insn_index, core_change_text(spec(), *change));
    }

    KernelGate& gate_;
    const LoadOptions& options_;
    // Before object_: what the kernel was told of these types needs no longer be here.
    std::optional<KernelTypes> own_types_;
    KernelTypes& types_;  // those, or the caller's
    std::vector<Candidate> candidates_;
    std::vector<bool> announced_;                       // by the number of the object's type
    bool btf_has_functions_ = true;                     // false once they were taken out for an old kernel
    std::vector<std::optional<StructOps>> struct_ops_;  // one for each of ObjectSpec::maps
    std::vector<int> map_fds_;                          // likewise; -1: not created
    std::map<std::size_t, Error> map_errors_;
    Object object_;
};

std::shared_ptr<KernelTypes> make_kernel_types(KernelGate& gate, std::string btf) {
    return std::make_shared<KernelTypes>(gate, std::move(btf));
}

ObjectSpec open_object(KernelGate& gate, const std::string& path) {
    const Bytes bytes = read_file(gate, path, "the compiled object: an ELF file, read whole and parsed in memory");
    return parse_object(bytes, path);
}

Object load(KernelGate& gate, ObjectSpec object, const LoadOptions& options) {
    object.require_native_endian();
    return Loader(gate, std::move(object), options).run();
}

}  // namespace minibpf
