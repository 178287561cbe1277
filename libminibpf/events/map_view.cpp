// Walking a map: BPF_MAP_GET_NEXT_KEY gives the keys one by one, BPF_MAP_LOOKUP_ELEM their values.
#include <libminibpf/events/map_view.hpp>

#include <fmt/format.h>

#include <libminibpf/btf/value.hpp>
#include <libminibpf/object/uapi.hpp>

namespace minibpf {

namespace {

std::string variables_line(const ObjectSpec& spec, const Map& map, ByteView contents) {
    std::string line;
    for (const VariableSpec& variable : spec.variables) {
        if (&spec.maps[variable.map] != &map.spec()) continue;
        const std::optional<ByteView> bytes = slice(contents, variable.offset, variable.size);
        if (!bytes) continue;
        const std::string value =
            variable.type != 0 && spec.btf ? btf::format_value(*spec.btf, variable.type, *bytes) : btf::hexdump(*bytes);
        line += fmt::format(" {}={}", variable.name, value);
    }
    return line;
}

std::string elements_line(const Map& map) {
    constexpr std::uint32_t most_elements = 1000;  // each costs two system calls
    std::string line;
    std::uint32_t shown = 0;
    for_each_element(map, [&](ByteView key, ByteView value) {
        if (shown++ == most_elements) {
            line += " ...";
            return false;
        }
        line += fmt::format(" [{}]={}", map.key_text(key), map.value_text(value));
        return true;
    });
    return line;
}

}  // namespace

std::string map_line(const Object& object, const Map& map) {
    if (std::uint32_t{map.spec().type} == uapi::BPF_MAP_TYPE_ARENA) {
        return fmt::format("{}:{}", map.name(), variables_line(object.spec(), map, map.mapped()));
    }
    if (map.spec().origin != MapOrigin::data_section) return fmt::format("{}:{}", map.name(), elements_line(map));
    const std::uint32_t zero = 0;
    const Bytes contents = map.lookup(bytes_of(zero)).value_or(Bytes());
    return fmt::format("{}:{}", map.name(), variables_line(object.spec(), map, contents));
}

// An element that is deleted meanwhile is passed over; the walk goes on from the start then (bpf(2)), which is why it
// has to be bounded.
void for_each_element(const Map& map, const std::function<bool(ByteView key, ByteView value)>& on_element) {
    std::optional<Bytes> key = map.next_key({});
    for (std::uint32_t seen = 0; key && seen < map.max_entries(); ++seen) {
        const std::optional<Bytes> value = map.lookup(*key);
        if (value && !on_element(*key, *value)) return;
        key = map.next_key(*key);
    }
}

}  // namespace minibpf
