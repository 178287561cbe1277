// The loader: from blueprint to running code, one call after the other.
//
// In: an ObjectSpec. Out: an Object, whose descriptors keep everything alive. Each kernel object is put into its owner
// before the next call is made, so that a failure at any call closes what came before it, in reverse.
#include <libminibpf/load/loader.hpp>

#include <algorithm>
#include <array>
#include <cerrno>

#include <fmt/format.h>

#include <libminibpf/kernel/cpus.hpp>
#include <libminibpf/kernel/files.hpp>
#include <libminibpf/kernel/kernel_error.hpp>
#include <libminibpf/load/verifier_log.hpp>
#include <libminibpf/relocate/link.hpp>

namespace minibpf {

namespace {

// Map types whose create function refuses BTF for keys and values: they return ENOTSUPP (map_check_no_btf()), or the
// types would describe something else than what user space passes.
bool takes_btf(bpf_map_type type) {
    // clang-format off
    constexpr std::array without = {
        BPF_MAP_TYPE_PERF_EVENT_ARRAY, BPF_MAP_TYPE_PROG_ARRAY,   BPF_MAP_TYPE_CGROUP_ARRAY, BPF_MAP_TYPE_STACK_TRACE,
        BPF_MAP_TYPE_ARRAY_OF_MAPS,    BPF_MAP_TYPE_HASH_OF_MAPS, BPF_MAP_TYPE_DEVMAP,       BPF_MAP_TYPE_DEVMAP_HASH,
        BPF_MAP_TYPE_CPUMAP,           BPF_MAP_TYPE_XSKMAP,       BPF_MAP_TYPE_SOCKMAP,      BPF_MAP_TYPE_SOCKHASH,
        BPF_MAP_TYPE_QUEUE,            BPF_MAP_TYPE_STACK,        BPF_MAP_TYPE_RINGBUF,
    };
    // clang-format on
    return std::find(without.begin(), without.end(), type) == without.end();
}

// Refusals that a simpler form of the call would meet as well. ECANCELED: somebody quit while stepping.
bool is_final(int error) {
    return error == EPERM || error == ENOMEM || error == ECANCELED;
}

std::string described(const ProgramSpec& program) {
    if (program.section.empty()) return fmt::format("program '{}'", program.name);
    return fmt::format("program '{}' (SEC {})", program.name, program.section);
}

struct FirstUse {
    std::string_view function;
    std::uint32_t insn_index = 0;
};

std::optional<FirstUse> first_use(const ObjectSpec& object, std::size_t map) {
    for (const FunctionSpec& function : object.functions) {
        for (const InsnRelocation& relocation : function.relocations) {
            const auto* by_fd = std::get_if<MapReference>(&relocation.target);
            const auto* by_value = std::get_if<DataReference>(&relocation.target);
            if ((by_fd != nullptr && by_fd->map == map) || (by_value != nullptr && by_value->map == map)) {
                return FirstUse{.function = function.name, .insn_index = relocation.insn_index};
            }
        }
    }
    return std::nullopt;
}

std::string why_created(const ObjectSpec& object, std::size_t map) {
    const MapSpec& spec = object.maps[map];
    const std::optional<FirstUse> use = first_use(object, map);
    const std::string what = spec.origin == MapOrigin::data_section
                                 ? fmt::format("section {} becomes an array map of one element", spec.name)
                                 : fmt::format("`{}` is created", spec.name);
    if (!use) return what + ", though no program refers to it";
    return fmt::format("{} because {} refers to it in instruction {}", what, use->function, use->insn_index);
}

}  // namespace

class Loader {
public:
    Loader(KernelGate& gate, ObjectSpec spec, const LoadOptions& options) : gate_(gate), options_(options) {
        object_.spec_ = std::make_unique<ObjectSpec>(std::move(spec));
    }

    Object run() {
        select_programs();
        link_programs();
        load_btf();
        create_maps();
        load_programs();
        return std::move(object_);
    }

private:
    const ObjectSpec& spec() const { return *object_.spec_; }

    void select_programs() {
        for (const std::string& name : options_.programs) spec().require_program(name);
        for (const ProgramSpec& program : spec().programs) {
            const bool named =
                std::find(options_.programs.begin(), options_.programs.end(), program.name) != options_.programs.end();
            if (options_.programs.empty() ? !program.kind.optional : named) selected_.push_back(&program);
        }
        if (selected_.empty()) throw_malformed(fmt::format("{} has no program to load", spec().file_name));
        for (const ProgramSpec* program : selected_) check_program(*program);
    }

    void check_program(const ProgramSpec& program) const {
        const auto type = program.kind.type;
        if (type == BPF_PROG_TYPE_TRACING || type == BPF_PROG_TYPE_LSM || type == BPF_PROG_TYPE_EXT ||
            type == BPF_PROG_TYPE_STRUCT_OPS) {
            throw_malformed(
                fmt::format("{}: this version does not load {} programs, which the kernel ties to one of its "
                            "functions when they are loaded (attach_btf_id)",
                            described(program), program_type_name(type)),
                "leave it out: name the others with --program");
        }
        if (program.kind.type == BPF_PROG_TYPE_UNSPEC) {
            throw Error(
                {.doing = fmt::format("program '{}' lies in section {}, which does not say what kind of program it is",
                                      program.name, program.section),
                 .hint = "give --type, for instance --type tracepoint, or put it into a section such as SEC(\"xdp\")",
                 .blame = Blame::usage});
        }
    }

    void link_programs() {
        for (const ProgramSpec* program : selected_) {
            linked_.push_back(link_functions(spec(), *program));
            refuse_core(*program, linked_.back());
        }
    }

    // Without their CO-RE relocations the instructions would read whatever lies at the compiler's offsets.
    void refuse_core(const ProgramSpec& program, const LinkedProgram& linked) const {
        std::size_t count = 0;
        for (const PlacedFunction& placed : linked.functions)
            count += spec().functions[placed.function].core_relocations.size();
        if (count == 0) return;
        throw_malformed(
            fmt::format("{} has {} CO-RE relocations, which this version does not apply", described(program), count),
            "compile it without preserve_access_index, or leave it out with --program");
    }

    void load_btf() {
        if (!spec().btf) return;
        const BtfLoad call{.btf = spec().btf->raw()};
        const Answer answer =
            gate_.enter(call, "the object's types: they name map keys and values and tie instructions to source lines");
        if (answer.ok()) {
            object_.btf_ = Fd(gate_, answer.fd());
            return;
        }
        const std::string doing = fmt::format("loading the BTF of {}", spec().file_name);
        if (is_final(answer.error)) throw kernel_error(doing, call, answer);
        LoggedAnswer again = enter_with_log(gate_, call);
        if (again.answer.ok()) {
            object_.btf_ = Fd(gate_, again.answer.fd());
        } else {
            options_.notice(
                fmt::format("{} failed ({}): going on without it\n{}", doing, errno_text(answer.error), again.log));
        }
    }

    void create_maps() {
        map_fds_.assign(spec().maps.size(), -1);
        object_.maps_.reserve(spec().maps.size());
        const std::vector<bool> needed = maps_to_create(spec(), linked_);
        for (std::size_t i = 0; i < spec().maps.size(); ++i) {
            if (!needed[i]) continue;
            create_map(i);
            if (spec().maps[i].origin == MapOrigin::data_section) fill_data_section(object_.maps_.back());
        }
    }

    void create_map(std::size_t index) {
        const MapSpec& map = spec().maps[index];
        MapCreate call{.name = map.kernel_name,
                       .type = map.type,
                       .key_size = map.key_size,
                       .value_size = map.value_size,
                       .max_entries = map.max_entries,
                       .map_flags = map.map_flags,
                       .numa_node = map.numa_node,
                       .map_extra = map.map_extra};
        if (map.type == BPF_MAP_TYPE_PERF_EVENT_ARRAY && map.max_entries == 0) {
            call.max_entries = static_cast<std::uint32_t>(possible_cpu_count(gate_));
        }
        if (object_.btf_.is_open() && takes_btf(map.type) && map.btf_value_type_id != 0) {
            call.btf_fd = static_cast<std::uint32_t>(object_.btf_.get());
            call.btf_key_type_id = map.btf_key_type_id;
            call.btf_value_type_id = map.btf_value_type_id;
        }
        Answer answer = gate_.enter(call, [&] { return why_created(spec(), index); });
        if (!answer.ok() && call.btf_fd != 0 && !is_final(answer.error)) answer = create_without_btf(call, answer);
        if (!answer.ok())
            throw kernel_error(fmt::format("creating map '{}'", map.name), call, answer,
                               create_hint(map, answer.error));
        Fd fd(gate_, answer.fd());
        map_fds_[index] = fd.get();
        object_.maps_.emplace_back(gate_, spec(), map, call.max_entries, std::move(fd));
    }

    Answer create_without_btf(MapCreate call, const Answer& refused) {
        call.btf_fd = call.btf_key_type_id = call.btf_value_type_id = 0;
        const Answer answer = gate_.enter(call, "the kernel refused the map with its types: tried without them");
        if (!answer.ok()) return refused;
        options_.notice(fmt::format("map '{}' was created without its BTF types, which the kernel refused ({})",
                                    call.name, errno_text(refused.error)));
        return answer;
    }

    static std::string create_hint(const MapSpec& map, int error) {
        if (error != EINVAL) return {};
        return fmt::format(
            "the kernel takes no {} map with key_size={}, value_size={}, max_entries={}, map_flags={:#x}; see the map "
            "type in the kernel's Documentation/bpf/",
            map_type_name(map.type), map.key_size, map.value_size, map.max_entries, map.map_flags);
    }

    void fill_data_section(Map& map) {
        const std::uint32_t zero = 0;
        const Bytes zeros(map.spec().initial.empty() ? map.spec().value_size : 0);
        const ByteView contents = map.spec().initial.empty() ? ByteView(zeros) : ByteView(map.spec().initial);
        map.update(bytes_of(zero), contents, BPF_ANY,
                   [&] { return fmt::format("the contents of section {}, {} bytes", map.name(), contents.size()); });
        if (!map.spec().read_only) return;
        const MapFreeze call{.map_fd = map.fd()};
        const Answer answer = gate_.enter(call, [&] {
            return fmt::format("{} is read-only from here on, so that the verifier may take its values as constants",
                               map.name());
        });
        if (!answer.ok()) throw kernel_error(fmt::format("freezing map '{}'", map.name()), call, answer);
    }

    void load_programs() {
        object_.programs_.reserve(selected_.size());
        for (std::size_t i = 0; i < selected_.size(); ++i) {
            relocate_maps(linked_[i], spec(), map_fds_);
            load_program(*selected_[i], linked_[i]);
        }
    }

    void load_program(const ProgramSpec& program, const LinkedProgram& linked) {
        const ProgLoad call = prog_load(program, linked);
        Answer answer = gate_.enter(call, [&] { return why_loaded(program, linked); });
        // EAGAIN: a signal interrupted the verifier (bpf_check() gives up so that ^C works); not a verdict.
        for (int tries = 0; answer.error == EAGAIN && tries < 5; ++tries)
            answer = gate_.enter(call, "the verifier was interrupted: once more");
        std::string log;
        if (!answer.ok() && answer.error != ECANCELED) {
            LoggedAnswer again = enter_with_log(gate_, call);
            log = std::move(again.log);
            if (again.answer.ok() || again.answer.error != ENOSPC) answer = again.answer;
        }
        if (!answer.ok()) {
            std::string hint = verifier_hint(log, spec());
            throw kernel_error(fmt::format("loading {}", described(program)), call, answer, std::move(hint),
                               std::move(log));
        }
        object_.programs_.emplace_back(program, Fd(gate_, answer.fd()));
    }

    ProgLoad prog_load(const ProgramSpec& program, const LinkedProgram& linked) const {
        ProgLoad call{.name = kernel_object_name(program.name),
                      .type = program.kind.type,
                      .insns = linked.insns,
                      .license = spec().license,
                      .kern_version = spec().kern_version,
                      .prog_flags = (program.kind.sleepable ? BPF_F_SLEEPABLE : 0u) |
                                    (program.kind.xdp_frags ? BPF_F_XDP_HAS_FRAGS : 0u),
                      .expected_attach_type = program.kind.expected_attach_type};
        if (object_.btf_.is_open() && linked.func_info_rec_size != 0) {
            call.prog_btf_fd = static_cast<std::uint32_t>(object_.btf_.get());
            call.func_info_rec_size = linked.func_info_rec_size;
            call.func_info = linked.func_info;
            call.line_info_rec_size = linked.line_info_rec_size;
            call.line_info = linked.line_info;
        }
        return call;
    }

    std::string why_loaded(const ProgramSpec& program, const LinkedProgram& linked) const {
        std::string why = fmt::format("the verifier checks `{}`, {} instructions, and the kernel compiles it",
                                      program.name, linked.insns.size());
        for (std::size_t i = 1; i < linked.functions.size(); ++i) {
            why += fmt::format("{} {}", i == 1 ? "; subprograms behind it:" : ",",
                               spec().functions[linked.functions[i].function].name);
        }
        return why;
    }

    KernelGate& gate_;
    const LoadOptions& options_;
    std::vector<const ProgramSpec*> selected_;
    std::vector<LinkedProgram> linked_;  // one for each of selected_
    std::vector<int> map_fds_;           // one for each of ObjectSpec::maps; -1: not created
    Object object_;
};

ObjectSpec open_object(KernelGate& gate, const std::string& path) {
    const Bytes bytes = read_file(gate, path, "the compiled object: an ELF file, read whole and parsed in memory");
    return parse_object(bytes, path);
}

Object load(KernelGate& gate, ObjectSpec object, const LoadOptions& options) {
    return Loader(gate, std::move(object), options).run();
}

}  // namespace minibpf
