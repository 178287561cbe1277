// An update whose value is a descriptor: the kernel keeps what is behind it, and has no use for the number.
#include <libminibpf/load/references.hpp>

#include <cerrno>

#include <fmt/format.h>

namespace minibpf {

namespace {

std::string misfit_hint(const Map& map) {
    if (referred_kind(map.spec().type) == IdKind::prog)
        return "the programs in an array have to be of the type of those that tail-call into it";
    return "it has to be like the one that the map of maps was made with: type, sizes, max_entries and flags";
}

}  // namespace

std::optional<IdKind> referred_kind(bpf_map_type type) noexcept {
    switch (type) {
        case BPF_MAP_TYPE_PROG_ARRAY: return IdKind::prog;
        case BPF_MAP_TYPE_ARRAY_OF_MAPS:
        case BPF_MAP_TYPE_HASH_OF_MAPS: return IdKind::map;
        default: return std::nullopt;
    }
}

void put_reference(Map& map, std::string_view key, int fd, const std::string& what) {
    const Bytes key_bytes = map.parse_key(key);
    try {
        map.update(key_bytes, bytes_of(fd), BPF_ANY,
                   [&] { return fmt::format("{}[{}] is set to {}, as asked for", map.name(), key, what); });
    } catch (const Error& error) {
        throw error.detail().code == EINVAL ? error.with_hint(misfit_hint(map)) : error;
    }
}

}  // namespace minibpf
