// The linker of BPF: lays subprograms behind the entry function, patches calls, and later map references.
//
// A call counts from the instruction after it, in instructions: imm = target - (call + 1). The order in which
// subprograms are laid out is libbpf's (a subprogram is followed by those that it calls first), so that the same object
// gives the same instructions and the kernel reports the same program tag.
#include <libminibpf/relocate/link.hpp>

#include <algorithm>
#include <cstring>
#include <iterator>

#include <fmt/format.h>

#include <libminibpf/base/error.hpp>

namespace minibpf {

namespace {

constexpr std::size_t max_functions = 256;  // BPF_MAX_SUBPROGS, include/linux/bpf_verifier.h

// func_info and line_info records begin with an instruction's index; in the program it is counted from the entry.
void append_records(Bytes& to, ByteView records, std::uint32_t record_size, std::uint32_t insn_base) {
    const std::size_t begin = to.size();
    to.insert(to.end(), records.begin(), records.end());
    for (std::size_t at = begin; at + record_size <= to.size(); at += record_size) {
        std::uint32_t insn_index;
        std::memcpy(&insn_index, to.data() + at, sizeof(insn_index));
        insn_index += insn_base;
        std::memcpy(to.data() + at, &insn_index, sizeof(insn_index));
    }
}

class Linker {
public:
    Linker(const ObjectSpec& object, const ProgramSpec& program) : object_(object), program_(program) {
        place(program.function);
        if (const auto callback = object.functions.at(program.function).exception_callback) position_of(*callback);
        append_debug_info();
    }

    LinkedProgram take() { return std::move(linked_); }

private:
    std::uint32_t position_of(std::size_t function) {
        for (const PlacedFunction& placed : linked_.functions) {
            if (placed.function == function) return placed.insn_index;
        }
        return place(function);
    }

    std::uint32_t place(std::size_t index) {
        if (linked_.functions.size() == max_functions) {
            throw_malformed(fmt::format("program '{}' reaches more than {} functions", program_.name, max_functions),
                            "the kernel allows no more in one program (BPF_MAX_SUBPROGS): inline some");
        }
        const FunctionSpec& function = object_.functions.at(index);
        const auto base = static_cast<std::uint32_t>(linked_.insns.size());
        linked_.functions.push_back({.function = index, .insn_index = base});
        linked_.insns.insert(linked_.insns.end(), function.insns.begin(), function.insns.end());
        for (const InsnRelocation& relocation : function.relocations) {
            if (const auto* reference = std::get_if<FunctionReference>(&relocation.target)) {
                point_at(base + relocation.insn_index, position_of(reference->function));
            } else if (const auto* unknown = std::get_if<UnknownReference>(&relocation.target)) {
                throw_malformed(fmt::format("{}: {}", object_.file_name, unknown->problem),
                                "a symbol of another file needs linking: bpftool gen object; one of the kernel's a "
                                "declaration: extern ... __ksym, extern ... __kconfig");
            }
        }
        return base;
    }

    void point_at(std::uint32_t insn_index, std::uint32_t target) {
        bpf_insn& insn = linked_.insns[insn_index];
        insn.imm = static_cast<std::int32_t>(target) - static_cast<std::int32_t>(insn_index) - 1;
        if (insn.code == (BPF_JMP | BPF_CALL)) {
            insn.src_reg = BPF_PSEUDO_CALL;
        } else {  // ld_imm64 of a function's address, for a callback
            insn.src_reg = BPF_PSEUDO_FUNC;
            linked_.insns[insn_index + 1].imm = 0;
        }
    }

    // The kernel wants a func_info record for each function of a program or none at all (check_btf_func()), so one
    // function without drops them for all; line_info makes no sense without func_info.
    void append_debug_info() {
        for (const PlacedFunction& placed : linked_.functions) {
            if (object_.functions[placed.function].func_info.empty()) return;
        }
        for (const PlacedFunction& placed : linked_.functions) {
            const FunctionSpec& function = object_.functions[placed.function];
            linked_.func_info_rec_size = function.func_info_rec_size;
            append_records(linked_.func_info, function.func_info, function.func_info_rec_size, placed.insn_index);
            if (function.line_info.empty()) continue;
            linked_.line_info_rec_size = function.line_info_rec_size;
            append_records(linked_.line_info, function.line_info, function.line_info_rec_size, placed.insn_index);
        }
    }

    const ObjectSpec& object_;
    const ProgramSpec& program_;
    LinkedProgram linked_;
};

/// Follows calls, each function's once. Addresses of callbacks are no calls: the kernel starts those anew.
class RecursionFinder {
public:
    explicit RecursionFinder(const ObjectSpec& object) : object_(object), seen_(object.functions.size()) {}

    /// True when a function on the way calls one that is on the way already; names() tells which.
    bool find_from(std::size_t index) {
        path_.push_back(index);
        if (std::find(path_.begin(), path_.end() - 1, index) != path_.end() - 1) return true;
        if (!seen_[index]) {
            seen_[index] = true;
            const FunctionSpec& function = object_.functions[index];
            for (const InsnRelocation& relocation : function.relocations) {
                const auto* called = std::get_if<FunctionReference>(&relocation.target);
                const bool is_call = function.insns[relocation.insn_index].code == (BPF_JMP | BPF_CALL);
                if (called != nullptr && is_call && find_from(called->function)) return true;
            }
        }
        path_.pop_back();
        return false;
    }

    std::vector<std::string> names() const {
        std::vector<std::string> loop;
        const auto first = std::find(path_.begin(), path_.end(), path_.back());
        std::transform(first, path_.end(), std::back_inserter(loop),
                       [&](std::size_t function) { return object_.functions[function].name; });
        return loop;
    }

private:
    const ObjectSpec& object_;
    std::vector<bool> seen_;
    std::vector<std::size_t> path_;
};

/// Calls `visit(insn, second slot, relocation)` for every relocation of the program.
template <class Visit>
void for_each_relocation(const LinkedProgram& linked, const ObjectSpec& object, Visit&& visit) {
    for (const PlacedFunction& placed : linked.functions) {
        for (const InsnRelocation& relocation : object.functions[placed.function].relocations) {
            visit(placed.insn_index + relocation.insn_index, relocation);
        }
    }
}

}  // namespace

LinkedProgram link_functions(const ObjectSpec& object, const ProgramSpec& program) {
    return Linker(object, program).take();
}

void relocate_maps(LinkedProgram& linked, const ObjectSpec& object, std::span<const int> map_fds) {
    for_each_relocation(linked, object, [&](std::uint32_t insn_index, const InsnRelocation& relocation) {
        bpf_insn& low = linked.insns[insn_index];
        if (const auto* map = std::get_if<MapReference>(&relocation.target)) {
            low.src_reg = BPF_PSEUDO_MAP_FD;
            low.imm = map_fds[map->map];
        } else if (const auto* data = std::get_if<DataReference>(&relocation.target)) {
            low.src_reg = BPF_PSEUDO_MAP_VALUE;
            low.imm = map_fds[data->map];
            linked.insns[insn_index + 1].imm = static_cast<std::int32_t>(data->offset);
        }
    });
}

std::vector<std::string> find_recursion(const ObjectSpec& object, const ProgramSpec& program) {
    RecursionFinder finder(object);
    return finder.find_from(program.function) ? finder.names() : std::vector<std::string>();
}

std::vector<bool> defined_maps(const ObjectSpec& object) {
    std::vector<bool> defined(object.maps.size());
    for (std::size_t i = 0; i < defined.size(); ++i) {
        const MapSpec& map = object.maps[i];
        const bool is_section = map.origin == MapOrigin::data_section || map.origin == MapOrigin::kconfig;
        defined[i] = !is_section && !map.optional;
    }
    return defined;
}

void note_maps_used(const LinkedProgram& linked, const ObjectSpec& object, std::vector<bool>& used) {
    for_each_relocation(linked, object, [&](std::uint32_t, const InsnRelocation& relocation) {
        if (const auto* map = std::get_if<MapReference>(&relocation.target)) used[map->map] = true;
        if (const auto* data = std::get_if<DataReference>(&relocation.target)) used[data->map] = true;
    });
}

}  // namespace minibpf
