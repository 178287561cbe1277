// Looking things up in an ObjectSpec by name, and setting its variables before it is loaded.
#include <libminibpf/object/object_spec.hpp>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <libminibpf/base/error.hpp>
#include <libminibpf/base/nearest.hpp>
#include <libminibpf/btf/value.hpp>

namespace minibpf {

namespace {

template <class Things>
auto* find_by_name(Things& things, std::string_view name) noexcept {
    const auto found =
        std::find_if(things.begin(), things.end(), [&](const auto& thing) { return thing.name == name; });
    return found == things.end() ? nullptr : &*found;
}

/// Throws "hello.bpf.o: there is no map 'confg'", with the nearest name or all the names there are.
template <class Things>
[[noreturn]] void throw_unknown(const std::string& file_name, std::string_view what, std::string_view name,
                                const Things& things) {
    std::vector<std::string_view> names;
    for (const auto& thing : things) names.push_back(thing.name);
    const std::string near = nearest(name, names);
    std::string hint = "it has none";
    if (!near.empty()) {
        hint = fmt::format("did you mean '{}'?", near);
    } else if (!names.empty()) {
        hint = fmt::format("there are: {}", fmt::join(names, ", "));
    }
    throw_malformed(fmt::format("{}: there is no {} '{}'", file_name, what, name), hint);
}

}  // namespace

const MapSpec* ObjectSpec::find_map(std::string_view map_name) const noexcept {
    return find_by_name(maps, map_name);
}

MapSpec* ObjectSpec::find_map(std::string_view map_name) noexcept {
    return find_by_name(maps, map_name);
}

const ProgramSpec* ObjectSpec::find_program(std::string_view program_name) const noexcept {
    return find_by_name(programs, program_name);
}

const VariableSpec* ObjectSpec::find_variable(std::string_view variable_name) const noexcept {
    return find_by_name(variables, variable_name);
}

MapSpec& ObjectSpec::require_map(std::string_view map_name) {
    MapSpec* map = find_map(map_name);
    if (map == nullptr) throw_unknown(file_name, "map", map_name, maps);
    return *map;
}

const ProgramSpec& ObjectSpec::require_program(std::string_view program_name) const {
    const ProgramSpec* program = find_program(program_name);
    if (program == nullptr) throw_unknown(file_name, "program", program_name, programs);
    return *program;
}

ProgramSpec& ObjectSpec::require_program(std::string_view program_name) {
    return const_cast<ProgramSpec&>(std::as_const(*this).require_program(program_name));
}

bool ObjectSpec::is_in_table(std::size_t function) const noexcept {
    const auto is_this = [&](const MapSlot& slot) {
        const auto* entry = std::get_if<FunctionReference>(&slot.target);
        return entry != nullptr && entry->function == function;
    };
    return std::ranges::any_of(maps, [&](const MapSpec& map) { return std::ranges::any_of(map.slots, is_this); });
}

void ObjectSpec::require_native_endian() const {
    if (!foreign_endian) return;
    const bool native_little = std::endian::native == std::endian::little;
    throw_malformed(fmt::format("{}: compiled for {}-endian machines, and this one is {}-endian", file_name,
                                native_little ? "big" : "little", native_little ? "little" : "big"),
                    "compile with clang -target bpf on this machine, or with -target bpfel or bpfeb for it; inspect "
                    "and plan show the object as it is");
}

const VariableSpec& ObjectSpec::require_variable(std::string_view variable_name) const {
    const VariableSpec* variable = find_variable(variable_name);
    if (variable == nullptr) throw_unknown(file_name, "variable", variable_name, variables);
    return *variable;
}

std::span<std::byte> ObjectSpec::variable_bytes(std::string_view variable_name) {
    const VariableSpec& variable = require_variable(variable_name);
    Bytes& contents = maps[variable.map].initial;
    // .bss begins as nothing but zeros, and so may an arena's variables, which lie in no value.
    const std::size_t end = std::size_t{variable.offset} + variable.size;
    if (contents.size() < end) contents.resize(std::max<std::size_t>(end, maps[variable.map].value_size));
    return std::span(contents).subspan(variable.offset, variable.size);
}

void check_variable(std::string_view name, std::span<const std::byte> bytes, std::size_t size, std::size_t alignment) {
    if (bytes.size() != size) {
        throw Error(
            {.doing = fmt::format("variable '{}' has {} bytes, and was taken for one of {}", name, bytes.size(), size),
             .blame = Blame::usage});
    }
    if (reinterpret_cast<std::uintptr_t>(bytes.data()) % alignment != 0) {
        throw Error(
            {.doing = fmt::format("variable '{}' is not aligned to {} bytes, as its type here wants", name, alignment),
             .hint = "take its bytes, and copy from and to them",
             .blame = Blame::usage});
    }
}

void ObjectSpec::set_variable(std::string_view variable_name, std::string_view text) {
    const VariableSpec& variable = require_variable(variable_name);
    Bytes value;
    try {
        value = variable.type != 0 && btf ? btf::parse_value(*btf, variable.type, text)
                                          : btf::parse_untyped_value(variable.size, text);
    } catch (const Error& error) {
        throw error.within(fmt::format("variable '{}'", variable_name));
    }
    const std::span<std::byte> bytes = variable_bytes(variable_name);
    std::memcpy(bytes.data(), value.data(), std::min(value.size(), bytes.size()));
}

namespace {

constexpr bool may_stand_in_a_name(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

}  // namespace

std::string kernel_object_name(std::string_view name) {
    std::string kernel_name(name.substr(0, BPF_OBJ_NAME_LEN - 1));
    std::ranges::replace_if(
        kernel_name, [](char c) { return !may_stand_in_a_name(c); }, '_');
    return kernel_name;
}

}  // namespace minibpf
