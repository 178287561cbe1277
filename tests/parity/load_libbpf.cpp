// Loading with libbpf. What is used of its interface is in every version from 1.0 on.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <tests/parity/runner.hpp>

namespace minibpf::test {

namespace {

std::string first_warning;

int keep_warning(libbpf_print_level level, const char* format, va_list arguments) {
    std::array<char, 4096> line;
    std::vsnprintf(line.data(), line.size(), format, arguments);
    if (level == LIBBPF_DEBUG) return 0;
    std::fputs(line.data(), stderr);
    if (level == LIBBPF_WARN && first_warning.empty())
        first_warning.assign(line.data(), std::strcspn(line.data(), "\n"));
    return 0;
}

[[noreturn]] void refuse(int error) {
    const char* name = strerrorname_np(error);
    throw Refused((name != nullptr ? name : "errno " + std::to_string(error)) + ": " + first_warning);
}

bpf_object* opened(const Request& request) {
    libbpf_set_print(keep_warning);
    bpf_object_open_opts options{};
    options.sz = sizeof options;
    if (!request.core_btf.empty()) options.btf_custom_path = request.core_btf.c_str();
    bpf_object* object = bpf_object__open_file(request.path.c_str(), &options);
    if (object == nullptr) refuse(errno);
    return object;
}

// As minibpf names them: ".rodata" for "hello.rodata".
std::string name_of(const bpf_map* map) {
    const std::string name = bpf_map__name(map);
    return bpf_map__is_internal(map) ? name.substr(name.find('.')) : name;
}

const btf_type* find_datasec(const btf* types, const std::string& section) {
    const int id = types == nullptr ? -1 : btf__find_by_name_kind(types, section.c_str(), BTF_KIND_DATASEC);
    return id < 0 ? nullptr : btf__type_by_id(types, static_cast<std::uint32_t>(id));
}

std::span<const btf_var_secinfo> variables(const btf_type* datasec) {
    return {btf_var_secinfos(datasec), std::size_t{btf_vlen(datasec)}};
}

// libbpf up to 1.1 makes every data section BPF_F_MMAPABLE where the kernel can; newer ones leave out those with static
// variables alone ("libbpf: only add BPF_F_MMAPABLE flag for data maps with global vars"), and so does minibpf.
std::uint32_t ignored_flags(const bpf_object* object, const std::string& section) {
    const btf* types = bpf_object__btf(object);
    const btf_type* datasec = find_datasec(types, section);
    if (datasec == nullptr) return BPF_F_MMAPABLE;
    const auto is_static = [&](const btf_var_secinfo& variable) {
        return btf_var(btf__type_by_id(types, variable.type))->linkage == BTF_VAR_STATIC;
    };
    return std::ranges::all_of(variables(datasec), is_static) ? std::uint32_t{BPF_F_MMAPABLE} : 0;
}

std::optional<std::uint32_t> kernel_version_offset(const bpf_object* object) {
    const btf* types = bpf_object__btf(object);
    const btf_type* datasec = find_datasec(types, ".kconfig");
    if (datasec == nullptr) return std::nullopt;
    for (const btf_var_secinfo& variable : variables(datasec)) {
        const char* name = btf__name_by_offset(types, btf__type_by_id(types, variable.type)->name_off);
        if (name == std::string_view("LINUX_KERNEL_VERSION")) return variable.offset;
    }
    return std::nullopt;
}

bool has_comparable_tag(const bpf_program* program) {
    const std::span insns(bpf_program__insns(program), bpf_program__insn_cnt(program));
    for (std::size_t i = 0; i < insns.size(); ++i) {
        const bpf_insn& insn = insns[i];
        const bool is_call_to_zero =
            insn.code == (BPF_JMP | BPF_CALL) && insn.src_reg == BPF_PSEUDO_KFUNC_CALL && insn.imm == 0;
        const bool refers_to_module = insn.code == (BPF_LD | BPF_IMM | BPF_DW) && insn.src_reg == BPF_PSEUDO_BTF_ID &&
                                      i + 1 < insns.size() && insns[i + 1].imm != 0;
        if (is_call_to_zero || refers_to_module) return false;
    }
    return true;
}

}  // namespace

std::vector<ProgramName> program_names(const Request& request) {
    bpf_object* object = opened(request);
    std::vector<ProgramName> names;
    bpf_program* program;
    bpf_object__for_each_program(program, object)
        names.push_back({.name = bpf_program__name(program), .optional = !bpf_program__autoload(program)});
    return names;
}

LoadedObject open_and_load(const Request& request, const std::string& only_program) {
    bpf_object* object = opened(request);
    bpf_program* program;
    bpf_object__for_each_program(program, object) {
        if (!only_program.empty()) bpf_program__set_autoload(program, only_program == bpf_program__name(program));
    }
    bpf_map* map;
    bpf_object__for_each_map(map, object) {
        std::uint32_t value_size = bpf_map__value_size(map), max_entries = bpf_map__max_entries(map);
        size_as_tools_do(bpf_map__type(map), value_size, max_entries);
        if (value_size != bpf_map__value_size(map)) bpf_map__set_value_size(map, value_size);
        if (max_entries != bpf_map__max_entries(map)) bpf_map__set_max_entries(map, max_entries);
    }
    first_warning.clear();
    if (const int error = bpf_object__load(object); error != 0) refuse(-error);

    LoadedObject loaded;
    bpf_object__for_each_map(map, object) {
        if (bpf_map__fd(map) < 0) continue;
        const std::string name = name_of(map);
        const bool is_data = bpf_map__is_internal(map);
        loaded.maps.push_back({.name = name,
                               .fd = bpf_map__fd(map),
                               .is_data = is_data,
                               .ignored_flags = is_data ? ignored_flags(object, name) : 0});
        if (name == ".kconfig") loaded.maps.back().ignored_byte = kernel_version_offset(object);
    }
    bpf_object__for_each_program(program, object) {
        if (bpf_program__fd(program) >= 0)
            loaded.programs.push_back({.name = bpf_program__name(program),
                                       .fd = bpf_program__fd(program),
                                       .has_comparable_tag = has_comparable_tag(program),
                                       .ignores_helpers = is_usdt(bpf_program__section_name(program))});
    }
    return loaded;
}

}  // namespace minibpf::test
