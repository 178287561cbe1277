// Getting at the object: reading it, or compiling it first.
#include "open_object.hpp"

#include <filesystem>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <libminibpf/base/error.hpp>
#include <libminibpf/elf/elf_file.hpp>
#include <libminibpf/kernel/files.hpp>
#include <libminibpf/load/compile.hpp>

#include "units.hpp"

namespace cli {

using namespace minibpf;

namespace {

// Where an installed loader finds the headers for BPF programs: beside itself, wherever that is.
std::string installed_headers() {
    std::error_code unknown;
    const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", unknown);
    return (self.parent_path().parent_path() / "include/minibpf/bpf").string();
}

std::string shown_name(const std::string& object) {
    return object == "-" ? "standard input" : object;
}

void apply_type(ObjectSpec& spec, bpf_prog_type type) {
    for (ProgramSpec& program : spec.programs) {
        if (program.kind.type == BPF_PROG_TYPE_UNSPEC) program.kind.type = type;
    }
}

// Changing a size makes the type in the BTF one of another size, which the kernel would refuse.
void set_size(std::uint32_t& size, btf::TypeId& type, std::uint32_t value) {
    if (size == value) return;
    size = value;
    type = 0;
}

void change_map(MapSpec& map, std::string_view field, std::string_view value, std::string_view request) {
    if (field == "pin") {
        map.pin_name = value;
        return;
    }
    if (field == "type") {
        map.type = parse_map_type(value);
        return;
    }
    const auto number = parse_number(value);
    if (!number) throw_usage(fmt::format("--map {}: '{}' is no number", request, value), "for instance 4096, 64K");
    if (field == "map_extra") {
        map.map_extra = *number;
        return;
    }
    if (*number > UINT32_MAX) throw_usage(fmt::format("--map {}: {} does not fit 32 bits", request, value), "");
    const auto number32 = static_cast<std::uint32_t>(*number);
    if (field == "max_entries") {
        map.max_entries = number32;
    } else if (field == "map_flags") {
        map.map_flags = number32;
    } else if (field == "numa_node") {
        map.numa_node = number32;
        map.map_flags |= BPF_F_NUMA_NODE;
    } else if (field == "key_size") {
        set_size(map.key_size, map.btf_key_type_id, number32);
    } else if (field == "value_size") {
        if (map.origin == MapOrigin::kconfig || (map.origin == MapOrigin::data_section && number32 < map.value_size)) {
            throw_usage(fmt::format("--map {}: its variables take {} bytes", request, map.value_size), "");
        }
        set_size(map.value_size, map.btf_value_type_id, number32);
    } else {
        throw_usage(fmt::format("--map {}: maps have no field '{}'", request, field),
                    "there are: type, key_size, value_size, max_entries, map_flags, map_extra, numa_node, pin");
    }
}

// "events.max_entries=256K"; data sections have dots in their names, so the last one counts.
void change_maps(ObjectSpec& spec, const std::vector<std::string>& requests) {
    for (const std::string& request : requests) {
        const std::size_t equals = request.find('=');
        const std::size_t dot = request.rfind('.', equals);
        if (equals == std::string::npos || dot == std::string::npos || dot > equals) {
            throw_usage(fmt::format("--map {}: this is not MAP.FIELD=VALUE", request),
                        "for instance --map events.max_entries=256K");
        }
        const std::string_view text = request;
        change_map(spec.require_map(text.substr(0, dot)), text.substr(dot + 1, equals - dot - 1),
                   text.substr(equals + 1), request);
    }
}

void apply_settings(ObjectSpec& spec, const std::vector<std::string>& settings) {
    for (const std::string& setting : settings) {
        const std::size_t equals = setting.find('=');
        if (equals == std::string::npos) {
            throw_usage(fmt::format("--set {}: there is no '='", setting), "write --set VARIABLE=VALUE");
        }
        spec.set_variable(setting.substr(0, equals), setting.substr(equals + 1));
    }
}

}  // namespace

Bytes read_object(KernelGate& gate, const std::string& object, const std::vector<std::string>& cflags) {
    if (object == "-") return read_all(gate, 0, "standard input");
    if (object.ends_with(".c")) {
        read_file(gate, object, "is the source there? clang will read it again");
        return compile_file(object, {.cflags = cflags, .include_directories = {installed_headers()}});
    }
    return read_file(gate, object, "the compiled object: read whole, and parsed in memory");
}

ObjectSpec prepare_object(KernelGate& gate, const RunOptions& options) {
    const Bytes bytes = read_object(gate, options.object, options.cflags);
    const std::string name = shown_name(options.object);
    if (!options.type.empty() && !elf::looks_like_elf(bytes)) {
        ProgramKind kind;
        kind.type = parse_program_type(options.type);
        ObjectSpec spec = parse_raw_instructions(bytes, name, kind, options.license);
        apply_settings(spec, options.set);
        change_maps(spec, options.map);
        return spec;
    }
    ObjectSpec spec = parse_object(bytes, name);
    if (!options.type.empty()) apply_type(spec, parse_program_type(options.type));
    apply_settings(spec, options.set);
    change_maps(spec, options.map);
    return spec;
}

}  // namespace cli
