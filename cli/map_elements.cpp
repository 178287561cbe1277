// Elements as text and as JSON.
#include "map_elements.hpp"

#include <fmt/format.h>

#include <libminibpf/load/references.hpp>

namespace cli {

using namespace minibpf;

namespace {

// Without a type four or eight bytes are taken for a number, as Map::value_text() does.
Json untyped_json(ByteView bytes) {
    if (bytes.size() == 8) return *read_at<std::uint64_t>(bytes, 0);
    if (bytes.size() == 4) return *read_at<std::uint32_t>(bytes, 0);
    std::string hex;
    for (const std::byte byte : bytes)
        hex += fmt::format("{}{:02x}", hex.empty() ? "" : " ", std::to_integer<unsigned>(byte));
    return hex;
}

Json json_by_type(const LoadedMap& map, btf::TypeId type, ByteView bytes) {
    return map.btf() != nullptr && type != 0 ? json_value(*map.btf(), type, bytes) : untyped_json(bytes);
}

std::string name_of_id(KernelGate& gate, IdKind kind, std::uint32_t id) {
    try {
        const Fd fd = open_by_id(gate, kind, id);
        return kind == IdKind::prog ? program_facts(gate, fd.get()).name : map_facts(gate, fd.get()).name;
    } catch (const Error&) {
        return {};  // gone, or not ours to open
    }
}

}  // namespace

std::string text_of_id(KernelGate& gate, IdKind kind, std::uint32_t id) {
    const std::string name = name_of_id(gate, kind, id);
    return fmt::format("{} {}{}", id_kind_name(kind), id, name.empty() ? "" : fmt::format(" ({})", printable(name)));
}

std::string MapElements::value_text(ByteView value) const {
    const auto kind = referred_kind(map_.facts().type);
    return kind ? text_of_id(gate_, *kind, read_at<std::uint32_t>(value, 0).value_or(0)) : map_.map().value_text(value);
}

std::string MapElements::line(ByteView key, ByteView value) const {
    return fmt::format("[{}] = {}", map_.map().key_text(key), value_text(value));
}

Json MapElements::json(ByteView key, ByteView value) const {
    return {{"key", json_by_type(map_, map_.map().spec().btf_key_type_id, key)}, {"value", value_json(value)}};
}

Json MapElements::value_json(ByteView value) const {
    const MapSpec& spec = map_.map().spec();
    if (const auto kind = referred_kind(spec.type)) {
        const std::uint32_t id = read_at<std::uint32_t>(value, 0).value_or(0);
        return {{"id", id}, {"name", name_of_id(gate_, *kind, id)}};
    }
    if (!map_.map().is_per_cpu()) return json_by_type(map_, spec.btf_value_type_id, value);
    Json cpus = Json::array();
    for (const ByteView one : map_.map().values_by_cpu(value))
        cpus.push_back(json_by_type(map_, spec.btf_value_type_id, one));
    return cpus;
}

}  // namespace cli
