// BPF_MAP_UPDATE_ELEM with a descriptor as the value: the kernel takes the map or the program behind it.
#include <libminibpf/load/map_slots.hpp>

#include <bit>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace minibpf {

namespace {

// The index as a number of the key's size: a hash of maps may have larger or smaller keys than an array.
Bytes key_of(const Map& map, std::uint32_t index) {
    const std::uint32_t size = map.spec().key_size;
    const bool is_number = size == 1 || size == 2 || size == 4 || size == 8;
    if (!is_number || (size < 4 && index >> (size * 8) != 0)) {
        throw_malformed(fmt::format("map '{}': its definition puts something at {}, which is no key of {} bytes",
                                    map.name(), index, size));
    }
    const std::uint64_t wide = index;
    const std::size_t skipped = std::endian::native == std::endian::little ? 0 : sizeof wide - size;
    Bytes key(size);
    std::memcpy(key.data(), reinterpret_cast<const std::byte*>(&wide) + skipped, size);
    return key;
}

std::string what_is_put(const ObjectSpec& object, const MapSlot& slot) {
    if (const auto* map = std::get_if<MapReference>(&slot.target)) {
        return fmt::format("map '{}'", object.maps[map->map].name);
    }
    return fmt::format("program '{}'", object.functions[std::get<FunctionReference>(slot.target).function].name);
}

std::string mismatch_hint(const Map& map, const MapSlot& slot) {
    if (std::holds_alternative<FunctionReference>(slot.target)) {
        return "the programs in an array have to be of the type of those that tail-call into it";
    }
    return fmt::format("it has to be as the definition of '{}' says: type, sizes, max_entries and flags", map.name());
}

}  // namespace

void fill_slot(const ObjectSpec& object, Map& map, const MapSlot& slot, int fd) {
    const Bytes key = key_of(map, slot.index);
    try {
        map.update(key, bytes_of(fd), BPF_ANY,
                   [&] { return fmt::format("{}[{}], as its definition says", map.name(), slot.index); });
    } catch (const Error& error) {
        const Error named =
            error.within(fmt::format("putting {} into map '{}'", what_is_put(object, slot), map.name()));
        throw error.detail().code == EINVAL ? named.with_hint(mismatch_hint(map, slot)) : named;
    }
}

}  // namespace minibpf
