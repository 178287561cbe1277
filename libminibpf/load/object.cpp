// Maps and programs that live in the kernel: bytes in and out of maps, and names.
#include <libminibpf/load/object.hpp>

#include <algorithm>
#include <cerrno>

#include <sys/mman.h>

#include <fmt/format.h>

#include <libminibpf/base/nearest.hpp>
#include <libminibpf/btf/value.hpp>
#include <libminibpf/kernel/cpus.hpp>
#include <libminibpf/kernel/kernel_error.hpp>

namespace minibpf {

namespace {

// Each CPU's value starts at a multiple of 8 bytes.
std::size_t slot_size(std::uint32_t value_size) {
    return (std::size_t{value_size} + 7) & ~std::size_t{7};
}

Bytes parse_by_type(const ObjectSpec& object, btf::TypeId type, std::size_t size, std::string_view text) {
    if (type != 0 && object.btf) return btf::parse_value(*object.btf, type, text);
    return btf::parse_untyped_value(size, text);
}

std::string format_by_type(const ObjectSpec& object, btf::TypeId type, ByteView bytes) {
    if (type != 0 && object.btf) return btf::format_value(*object.btf, type, bytes);
    if (bytes.size() == 8) return fmt::format("{}", *read_at<std::uint64_t>(bytes, 0));
    if (bytes.size() == 4) return fmt::format("{}", *read_at<std::uint32_t>(bytes, 0));
    std::string text;
    for (std::byte byte : bytes)
        text += fmt::format("{}{:02x}", text.empty() ? "" : " ", std::to_integer<unsigned>(byte));
    return text;
}

void check_size(const Map& map, const char* what, std::size_t given, std::size_t wanted) {
    if (given == wanted) return;
    throw Error(
        {.doing = fmt::format("map '{}': a {} of {} bytes was given, it takes {}", map.name(), what, given, wanted),
         .blame = Blame::usage});
}

Bytes parse_part(const Map& map, const ObjectSpec& object, btf::TypeId type, std::size_t size, std::string_view text) {
    try {
        return parse_by_type(object, type, size, text);
    } catch (const Error& error) {
        throw error.within(fmt::format("map '{}'", map.name()));
    }
}

}  // namespace

// Maps whose values user space reads as one slot for each possible CPU (bpf_map_value_size(), kernel/bpf/syscall.c).
bool Map::is_per_cpu() const noexcept {
    return spec_->type == BPF_MAP_TYPE_PERCPU_HASH || spec_->type == BPF_MAP_TYPE_LRU_PERCPU_HASH ||
           spec_->type == BPF_MAP_TYPE_PERCPU_ARRAY || spec_->type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
}

std::size_t Map::slot_count() const {
    if (slot_count_ == 0) {
        slot_count_ = is_per_cpu() ? static_cast<std::size_t>(possible_cpu_count(*gate_)) : 1;
    }
    return slot_count_;
}

std::size_t Map::value_bytes() const {
    return is_per_cpu() ? slot_size(spec_->value_size) * slot_count() : spec_->value_size;
}

void Map::update(ByteView key, ByteView value, std::uint64_t flags, const Reason& reason) {
    check_size(*this, "key", key.size(), spec_->key_size);
    check_size(*this, "value", value.size(), value_bytes());
    const MapUpdateElem call{.map_fd = fd(), .key = key, .value = value, .flags = flags};
    const Answer answer = gate_->enter(call, reason);
    if (answer.ok()) return;
    std::string hint;
    if (answer.error == E2BIG) hint = fmt::format("the key is past max_entries={}, or the map is full", max_entries_);
    if (answer.error == EPERM) hint = "the map is frozen or read-only: set constants with --set, before the load";
    throw kernel_error(fmt::format("setting {}[{}]", name(), key_text(key)), call, answer, std::move(hint));
}

void Map::update(std::string_view key, std::string_view value) {
    auto [key_bytes, element] = parse_element(key, value);
    if (is_per_cpu()) {
        element.resize(slot_size(spec_->value_size));
        const Bytes slot = element;
        while (element.size() < value_bytes()) element.insert(element.end(), slot.begin(), slot.end());
    }
    update(key_bytes, element, BPF_ANY,
           [&] { return fmt::format("{}[{}] is set to {}, as asked for", name(), key, value); });
}

std::pair<Bytes, Bytes> Map::parse_element(std::string_view key, std::string_view value) const {
    return {parse_key(key), parse_part(*this, *object_, spec_->btf_value_type_id, spec_->value_size, value)};
}

Bytes Map::parse_key(std::string_view text) const {
    return parse_part(*this, *object_, spec_->btf_key_type_id, spec_->key_size, text);
}

std::optional<Bytes> Map::lookup(ByteView key) const {
    check_size(*this, "key", key.size(), spec_->key_size);
    Bytes value(value_bytes());
    const MapLookupElem call{.map_fd = fd(), .key = key, .value = value};
    const Answer answer = gate_->enter(call);
    if (answer.error == ENOENT) return std::nullopt;
    if (!answer.ok()) throw kernel_error(fmt::format("reading {}[{}]", name(), key_text(key)), call, answer);
    return value;
}

bool Map::remove(ByteView key) {
    check_size(*this, "key", key.size(), spec_->key_size);
    const MapDeleteElem call{.map_fd = fd(), .key = key};
    const Answer answer = gate_->enter(call);
    if (answer.error == ENOENT) return false;
    if (!answer.ok()) throw kernel_error(fmt::format("deleting {}[{}]", name(), key_text(key)), call, answer);
    return true;
}

std::optional<Bytes> Map::next_key(ByteView key) const {
    Bytes next(spec_->key_size);
    const MapGetNextKey call{.map_fd = fd(), .key = key, .next_key = next};
    const Answer answer = gate_->enter(call);
    if (answer.error == ENOENT) return std::nullopt;
    if (!answer.ok()) throw kernel_error(fmt::format("walking the keys of map '{}'", name()), call, answer);
    return next;
}

std::string Map::key_text(ByteView key) const {
    return format_by_type(*object_, spec_->btf_key_type_id, key);
}

std::string Map::value_text(ByteView value) const {
    if (!is_per_cpu()) return format_by_type(*object_, spec_->btf_value_type_id, value);
    std::string text;
    int cpu = 0;
    for (const ByteView one : values_by_cpu(value)) {
        text += fmt::format("{}cpu{} = {}", cpu == 0 ? "" : ", ", cpu,
                            format_by_type(*object_, spec_->btf_value_type_id, one));
        ++cpu;
    }
    return "{" + text + "}";
}

std::vector<ByteView> Map::values_by_cpu(ByteView value) const {
    if (!is_per_cpu()) return {value};
    std::vector<ByteView> values;
    const std::size_t slot = slot_size(spec_->value_size);
    for (std::size_t at = 0; at + slot <= value.size(); at += slot)
        values.push_back(value.subspan(at, spec_->value_size));
    return values;
}

std::span<std::byte> Map::memory() {
    if (memory_.is_mapped()) return memory_.bytes();
    const bool is_read_only = (spec_->map_flags & BPF_F_RDONLY_PROG) != 0;
    const Mmap call{.length = std::size_t{slot_size(spec_->value_size)} * max_entries_,
                    .prot = is_read_only ? PROT_READ : PROT_READ | PROT_WRITE,
                    .fd = fd()};
    const Answer answer =
        gate_->enter(call, [&] { return fmt::format("the values of {}, shared with the programs", name()); });
    if (!answer.ok()) {
        const bool is_static = spec_->origin == MapOrigin::data_section && (spec_->map_flags & BPF_F_MMAPABLE) == 0;
        throw kernel_error(fmt::format("mapping '{}' into memory", name()), call, answer,
                           is_static ? "its variables are all static, which the programs keep to themselves"
                                     : "arrays with BPF_F_MMAPABLE can be mapped, and the data sections' maps since "
                                       "Linux 5.5");
    }
    memory_ = Mapping(*gate_, reinterpret_cast<void*>(answer.value), call.length);
    return memory_.bytes();
}

std::span<std::byte> Object::variable_bytes(std::string_view name, bool for_writing) {
    const VariableSpec& variable = spec_->require_variable(name);
    const MapSpec& section = spec_->maps[variable.map];
    Map* map = find_map(section.name);
    if (map == nullptr) {
        throw Error({.doing = fmt::format("variable '{}': no loaded program refers to section '{}', so it has no map",
                                          name, section.name),
                     .blame = Blame::usage});
    }
    if (for_writing && (section.map_flags & BPF_F_RDONLY_PROG) != 0) {
        throw Error(
            {.doing = fmt::format("variable '{}' is a constant, which cannot be written once it is loaded", name),
             .hint = "set it in the ObjectSpec, before the load",
             .blame = Blame::usage});
    }
    return map->memory().subspan(variable.offset, variable.size);
}

std::string Object::variable_text(std::string_view name) {
    return format_by_type(*spec_, spec_->require_variable(name).type, variable_bytes(name));
}

// A vector destroys from the front; what was made last is to go first.
Object::~Object() {
    while (!programs_.empty()) programs_.pop_back();
    while (!maps_.empty()) maps_.pop_back();
}

Map* Object::find_map(std::string_view name) noexcept {
    const auto found = std::find_if(maps_.begin(), maps_.end(), [&](const Map& map) { return map.name() == name; });
    return found == maps_.end() ? nullptr : &*found;
}

Program* Object::find_program(std::string_view name) noexcept {
    const auto found = std::find_if(programs_.begin(), programs_.end(),
                                    [&](const Program& program) { return program.name() == name; });
    return found == programs_.end() ? nullptr : &*found;
}

Map& Object::require_map(std::string_view name) {
    if (Map* map = find_map(name)) return *map;
    spec_->require_map(name);  // throws with the nearest name
    throw_malformed(fmt::format("map '{}' was not created: no loaded program uses it", name));
}

Program& Object::require_program(std::string_view name) {
    if (Program* program = find_program(name)) return *program;
    spec_->require_program(name);  // throws with the nearest name
    throw_malformed(fmt::format("program '{}' was not loaded", name), "name it with --program, or leave --program out");
}

}  // namespace minibpf
