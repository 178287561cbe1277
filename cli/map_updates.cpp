// Values are C initialisers; those of program arrays and maps of maps are names, ids and pins.
#include "map_updates.hpp"

#include <algorithm>
#include <array>
#include <regex>

#include <fmt/format.h>

#include <libminibpf/load/loaded.hpp>
#include <libminibpf/load/references.hpp>

namespace cli {

using namespace minibpf;

namespace {

struct UpdateRequest {
    std::string_view map, key, value;
};

UpdateRequest split_update(std::string_view request) {
    const std::size_t open = request.find('[');
    const std::size_t close = request.find("]=", open == std::string_view::npos ? request.size() : open);
    if (close == std::string_view::npos) {
        throw_usage(fmt::format("--update {}: this is not MAP[KEY]=VALUE", request),
                    "for instance --update 'config[0]=\"Hey root!\"'");
    }
    return {.map = request.substr(0, open),
            .key = request.substr(open + 1, close - open - 1),
            .value = request.substr(close + 2)};
}

bool is_id_or_pin(std::string_view text) {
    return text.find('/') != std::string_view::npos || text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

MapUpdates::MapUpdates(KernelGate& gate, Object& object, const std::vector<std::string>& requests) {
    for (const std::string& request : requests) {
        const UpdateRequest asked = split_update(request);
        Update update{.map = &object.require_map(asked.map), .key = asked.key, .value = std::string(asked.value)};
        if (const auto kind = referred_kind(update.map->spec().type)) {
            update.map->parse_key(update.key);
            refer(gate, object, *kind, update);
        } else {
            name_program(object, update);
            update.map->parse_element(update.key, update.value);
        }
        updates_.push_back(update);
    }
}

void MapUpdates::refer(KernelGate& gate, Object& object, IdKind kind, Update& update) {
    if (is_id_or_pin(update.value)) {
        opened_.push_back(open_loaded(gate, kind, update.value));
        update.referred_fd = opened_.back().get();
    } else {
        update.referred_fd =
            kind == IdKind::prog ? object.require_program(update.value).fd() : object.require_map(update.value).fd();
    }
}

// The element of a devmap or a cpumap may end in a program: {.ifindex = 2, .bpf_prog = {.fd = on_device}}, where the
// kernel wants a descriptor (struct bpf_devmap_val, bpf_cpumap_val).
void MapUpdates::name_program(Object& object, Update& update) {
    constexpr std::array<bpf_map_type, 3> types = {BPF_MAP_TYPE_DEVMAP, BPF_MAP_TYPE_DEVMAP_HASH, BPF_MAP_TYPE_CPUMAP};
    static const std::regex member(R"(\.fd\s*=\s*([A-Za-z_]\w*))");
    std::smatch found;
    if (std::ranges::find(types, update.map->spec().type) == types.end()) return;
    if (!std::regex_search(update.value, found, member)) return;
    update.referred_fd = object.require_program(found[1].str()).fd();
    update.is_whole = false;
    update.value.replace(static_cast<std::size_t>(found.position(1)), static_cast<std::size_t>(found.length(1)),
                         std::to_string(*update.referred_fd));
}

bool MapUpdates::refers_to(int fd) const noexcept {
    return std::ranges::any_of(updates_, [&](const Update& update) { return update.referred_fd == fd; });
}

void MapUpdates::apply_references() {
    for (const Update& update : updates_) {
        if (update.referred_fd && update.is_whole)
            put_reference(*update.map, update.key, *update.referred_fd, update.value);
    }
}

void MapUpdates::apply_values() {
    for (const Update& update : updates_) {
        if (!update.referred_fd || !update.is_whole) update.map->update(update.key, update.value);
    }
}

}  // namespace cli
