// Facts to JSON: the names are those of libminibpf/load/loaded.hpp.
#include "facts.hpp"

#include <fmt/format.h>

namespace cli {

using namespace minibpf;

namespace {

template <class T, class Text>
std::string joined_texts(const std::map<LoadedId, std::vector<T>>& all, LoadedId which, Text text_of_one) {
    const auto found = all.find(which);
    std::string text;
    if (found == all.end()) return text;
    for (const T& one : found->second) text += (text.empty() ? "" : ", ") + printable(text_of_one(one));
    return text;
}

}  // namespace

Keepers::Keepers(KernelGate& gate) : pins_(minibpf::pins(gate)), holders_(minibpf::holders(gate)) {}

std::string Keepers::pins(IdKind kind, std::uint32_t id) const {
    return joined_texts(pins_, {kind, id}, [](const std::string& path) { return path; });
}

std::string Keepers::holders(IdKind kind, std::uint32_t id) const {
    return joined_texts(holders_, {kind, id},
                        [](const Holder& holder) { return fmt::format("{} {}", holder.pid, holder.command); });
}

void Keepers::put(Json& json, IdKind kind, std::uint32_t id) const {
    const auto pinned = pins_.find({kind, id});
    json["pins"] = pinned == pins_.end() ? Json::array() : Json(pinned->second);
    json["held_by"] = Json::array();
    const auto held = holders_.find({kind, id});
    if (held == holders_.end()) return;
    for (const Holder& holder : held->second) {
        json["held_by"].push_back({{"pid", holder.pid}, {"command", holder.command}});
    }
}

Json json_of(const ProgramFacts& program) {
    return {{"id", program.id},
            {"type", program_type_name(program.type)},
            {"name", program.name},
            {"tag", program.tag},
            {"xlated_size", program.xlated_size},
            {"jited_size", program.jited_size},
            {"verified_insns", program.verified_insns},
            {"memlock", program.memlock},
            {"loaded_ns", program.loaded_ns},
            {"uid", program.uid},
            {"gpl_compatible", program.gpl_compatible},
            {"btf_id", program.btf_id},
            {"map_ids", program.map_ids},
            {"run_count", program.run_count},
            {"run_time_ns", program.run_time_ns},
            {"recursion_misses", program.recursion_misses}};
}

Json json_of(const MapFacts& map) {
    return {{"id", map.id},
            {"type", map_type_name(map.type)},
            {"name", map.name},
            {"key_size", map.key_size},
            {"value_size", map.value_size},
            {"max_entries", map.max_entries},
            {"map_flags", map.map_flags},
            {"map_extra", map.map_extra},
            {"memlock", map.memlock},
            {"frozen", map.frozen},
            {"ifindex", map.ifindex},
            {"btf_id", map.btf_id},
            {"btf_key_type_id", map.btf_key_type_id},
            {"btf_value_type_id", map.btf_value_type_id}};
}

Json json_of(const LinkFacts& link) {
    return {{"id", link.id}, {"type", link.type_name}, {"prog_id", link.prog_id}, {"target", link.target}};
}

Json json_of(const BtfFacts& btf) {
    return {{"id", btf.id}, {"name", btf.name}, {"size", btf.size}, {"of_kernel", btf.of_kernel}};
}

std::string duration_text(std::uint64_t nanoseconds) {
    const auto number = static_cast<double>(nanoseconds);
    if (nanoseconds < 1000) return fmt::format("{} ns", nanoseconds);
    if (nanoseconds < 1'000'000) return fmt::format("{:.1f} us", number / 1e3);
    if (nanoseconds < 1'000'000'000) return fmt::format("{:.1f} ms", number / 1e6);
    return fmt::format("{:.2f} s", number / 1e9);
}

}  // namespace cli
