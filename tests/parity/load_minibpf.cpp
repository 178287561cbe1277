// Loading with minibpf.
#include <cstdio>
#include <optional>

#include <libminibpf/base/error.hpp>
#include <libminibpf/kernel/live_gate.hpp>
#include <libminibpf/load/loader.hpp>
#include <tests/parity/runner.hpp>

namespace minibpf::test {

namespace {

LiveGate gate;
std::optional<Object> object;

[[noreturn]] void refuse(const Error& error) {
    const ErrorDetail& detail = error.detail();
    std::fprintf(stderr, "%s\n%s\n", error.what(), detail.kernel_log.c_str());
    throw Refused((detail.code != 0 ? errno_name(detail.code) + ": " : "") +
                  detail.doing.substr(0, detail.doing.find('\n')));
}

bool is_data(const MapSpec& map) {
    return map.origin == MapOrigin::data_section || map.origin == MapOrigin::kconfig;
}

std::optional<std::uint32_t> kernel_version_offset() {
    for (const ExternSpec& external : object->spec().externs) {
        if (external.kind == ExternKind::kconfig && external.name == "LINUX_KERNEL_VERSION") return external.offset;
    }
    return std::nullopt;
}

}  // namespace

std::vector<ProgramName> program_names(const Request& request) try {
    std::vector<ProgramName> names;
    for (const ProgramSpec& program : open_object(gate, request.path).programs)
        names.push_back({.name = program.name, .optional = program.kind.optional});
    return names;
} catch (const Error& error) {
    refuse(error);
}

LoadedObject open_and_load(const Request& request, const std::string& only_program) try {
    LoadOptions options;
    options.btf = request.core_btf;
    if (!only_program.empty()) options.programs = {only_program};
    options.notice = [](const std::string& notice) { std::fprintf(stderr, "%s\n", notice.c_str()); };
    ObjectSpec spec = open_object(gate, request.path);
    for (MapSpec& map : spec.maps) size_as_tools_do(map.type, map.value_size, map.max_entries);
    object.emplace(load(gate, std::move(spec), options));

    LoadedObject loaded;
    for (const Map& map : object->maps()) {
        loaded.maps.push_back({.name = map.name(), .fd = map.fd(), .is_data = is_data(map.spec())});
        if (map.name() == ".kconfig") loaded.maps.back().ignored_byte = kernel_version_offset();
    }
    for (const Program& program : object->programs())
        loaded.programs.push_back(
            {.name = program.name(), .fd = program.fd(), .ignores_helpers = is_usdt(program.spec().section)});
    return loaded;
} catch (const Error& error) {
    refuse(error);
}

}  // namespace minibpf::test
