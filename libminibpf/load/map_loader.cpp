// BPF_MAP_CREATE and what belongs to it.
#include <libminibpf/load/map_loader.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <sys/mman.h>

#include <libminibpf/kernel/cpus.hpp>
#include <libminibpf/kernel/kernel_error.hpp>
#include <libminibpf/kernel/page_size.hpp>
#include <libminibpf/load/extern_values.hpp>
#include <libminibpf/load/pinning.hpp>
#include <libminibpf/load/privilege.hpp>
#include <libminibpf/object/uapi.hpp>

namespace minibpf {

namespace {

// Map types whose create function refuses BTF for keys and values: they return ENOTSUPP (map_check_no_btf()), or the
// types would describe something else than what user space passes.
bool takes_btf(std::uint32_t type) {
    // clang-format off
    constexpr std::array<std::uint32_t, 16> without = {
        BPF_MAP_TYPE_PERF_EVENT_ARRAY, BPF_MAP_TYPE_CGROUP_ARRAY, BPF_MAP_TYPE_STACK_TRACE,  BPF_MAP_TYPE_ARRAY_OF_MAPS,
        BPF_MAP_TYPE_HASH_OF_MAPS,     BPF_MAP_TYPE_DEVMAP,       BPF_MAP_TYPE_DEVMAP_HASH,  BPF_MAP_TYPE_CPUMAP,
        BPF_MAP_TYPE_XSKMAP,           BPF_MAP_TYPE_SOCKMAP,      BPF_MAP_TYPE_SOCKHASH,     BPF_MAP_TYPE_QUEUE,
        BPF_MAP_TYPE_STACK,            BPF_MAP_TYPE_RINGBUF,      BPF_MAP_TYPE_USER_RINGBUF, uapi::BPF_MAP_TYPE_ARENA,
    };
    // clang-format on
    return std::find(without.begin(), without.end(), type) == without.end();
}

bool is_arena(const MapSpec& map) noexcept {
    return std::uint32_t{map.type} == uapi::BPF_MAP_TYPE_ARENA;
}

bool is_ring_buffer(std::uint32_t type) noexcept {
    return type == BPF_MAP_TYPE_RINGBUF || type == BPF_MAP_TYPE_USER_RINGBUF;
}

// ringbuf_map_alloc() wants a power of two, and whole pages.
std::uint32_t ring_buffer_size(std::uint32_t bytes) noexcept {
    constexpr std::uint32_t largest = 1u << 31;
    const auto page = static_cast<std::uint32_t>(page_size());
    if (bytes == 0 || bytes > largest) return bytes;  // the kernel says what it thinks of that
    return std::bit_ceil(std::max(bytes, page));
}

struct FirstUse {
    std::string_view function;
    std::uint32_t insn_index = 0;
};

std::optional<FirstUse> first_use(const ObjectSpec& object, std::size_t map) {
    for (const FunctionSpec& function : object.functions) {
        for (const InsnRelocation& relocation : function.relocations) {
            const auto* by_fd = std::get_if<MapReference>(&relocation.target);
            const auto* by_value = std::get_if<DataReference>(&relocation.target);
            if ((by_fd != nullptr && by_fd->map == map) || (by_value != nullptr && by_value->map == map)) {
                return FirstUse{.function = function.name, .insn_index = relocation.insn_index};
            }
        }
    }
    return std::nullopt;
}

std::string what_is_created(const MapSpec& map) {
    switch (map.origin) {
        case MapOrigin::data_section: return fmt::format("section {} becomes an array map of one element", map.name);
        case MapOrigin::kconfig: return "the kernel's options become an array map of one element";
        case MapOrigin::struct_ops: return fmt::format("`{}`, a table of functions for the kernel,", map.name);
        default: return fmt::format("`{}` is created", map.name);
    }
}

std::string why_created(const ObjectSpec& object, std::size_t map) {
    const std::string what = what_is_created(object.maps[map]);
    const std::optional<FirstUse> use = first_use(object, map);
    if (!use) return what + ", though no program refers to it";
    return fmt::format("{} because {} refers to it in instruction {}", what, use->function, use->insn_index);
}

std::string create_hint(const MapSpec& map, const MapCreate& call, int error) {
    if (error != EINVAL) return {};
    const bool holds_maps = map.type == BPF_MAP_TYPE_ARRAY_OF_MAPS || map.type == BPF_MAP_TYPE_HASH_OF_MAPS;
    if (holds_maps && call.inner_map_fd == 0) {
        return "its definition does not say what the maps in it are like: write __array(values, struct ...)";
    }
    return fmt::format(
        "the kernel takes no {} map with key_size={}, value_size={}, max_entries={}, map_flags={:#x}; see the map "
        "type in the kernel's Documentation/bpf/",
        map_type_name(map.type), call.key_size, call.value_size, call.max_entries, call.map_flags);
}

// Maps of network devices, CPUs and sockets take the privilege of network programs (map_create()).
bpf_prog_type type_that_uses(bpf_map_type type) noexcept {
    switch (type) {
        case BPF_MAP_TYPE_DEVMAP:
        case BPF_MAP_TYPE_DEVMAP_HASH:
        case BPF_MAP_TYPE_XSKMAP:
        case BPF_MAP_TYPE_SOCKMAP:
        case BPF_MAP_TYPE_SOCKHASH: return BPF_PROG_TYPE_XDP;
        default: return BPF_PROG_TYPE_UNSPEC;
    }
}

}  // namespace

bool is_final_refusal(int error) noexcept {
    return error == EPERM || error == ENOMEM || error == ECANCELED;
}

MapCreate MapLoader::request(const MapSpec& map, std::size_t index) const {
    MapCreate call{.name = map.kernel_name,
                   .type = map.type,
                   .key_size = map.key_size,
                   .value_size = map.value_size,
                   .max_entries = map.max_entries,
                   .map_flags = map.map_flags,
                   .numa_node = map.numa_node,
                   .map_ifindex = map.map_ifindex,
                   .map_extra = map.map_extra};
    const bool one_for_each_cpu = map.type == BPF_MAP_TYPE_PERF_EVENT_ARRAY || map.type == BPF_MAP_TYPE_PERCPU_ARRAY;
    if (one_for_each_cpu && map.max_entries == 0) {
        call.max_entries = static_cast<std::uint32_t>(possible_cpu_count(gate_));
    }
    if (is_ring_buffer(map.type)) call.max_entries = ring_buffer_size(map.max_entries);
    if (btf_fd_ >= 0) add_types(call, map, index);
    return call;
}

void MapLoader::add_types(MapCreate& call, const MapSpec& map, std::size_t index) const {
    if (map.origin == MapOrigin::struct_ops && struct_ops_[index]) {
        const StructOps& table = *struct_ops_[index];
        call.btf_fd = static_cast<std::uint32_t>(btf_fd_);
        call.btf_vmlinux_value_type_id = table.value_type_id;
        if (table.btf_fd != 0) {
            call.map_flags |= uapi::BPF_F_VTYPE_BTF_OBJ_FD;
            call.value_type_btf_obj_fd = static_cast<std::uint32_t>(table.btf_fd);
        }
    } else if (takes_btf(map.type) && map.btf_value_type_id != 0 && !is_resized_section(map)) {
        call.btf_fd = static_cast<std::uint32_t>(btf_fd_);
        call.btf_key_type_id = map.btf_key_type_id;
        call.btf_value_type_id = map.btf_value_type_id;
    }
}

// A data section that the caller has made larger, for an array at its end, is not what its DATASEC says any more.
bool MapLoader::is_resized_section(const MapSpec& map) const {
    return map.origin == MapOrigin::data_section && object_.btf &&
           object_.btf->type(map.btf_value_type_id).size() != map.value_size;
}

Answer MapLoader::without_btf(MapCreate call, const Answer& refused) const {
    call.btf_fd = call.btf_key_type_id = call.btf_value_type_id = 0;
    const Answer answer = gate_.enter(call, "the kernel refused the map with its types: tried without them");
    if (!answer.ok()) return refused;
    options_.notice(fmt::format("map '{}' was created without its BTF types, which the kernel refused ({})", call.name,
                                errno_text(refused.error)));
    return answer;
}

Fd MapLoader::enter(const MapSpec& map, MapCreate call, std::size_t index) const {
    const auto why = [&] {
        if (&map == &object_.maps[index]) return why_created(object_, index);
        return fmt::format("a pattern for the maps in `{}`, closed again once that exists", object_.maps[index].name);
    };
    Answer answer = gate_.enter(call, why);
    const bool may_do_without = call.btf_fd != 0 && call.btf_vmlinux_value_type_id == 0;
    if (!answer.ok() && may_do_without && !is_final_refusal(answer.error)) answer = without_btf(call, answer);
    if (!answer.ok()) {
        const Error error = kernel_error(fmt::format("creating map '{}'", map.name), call, answer,
                                         create_hint(map, call, answer.error));
        throw with_missing_capability(gate_, error, capabilities_for(type_that_uses(map.type)));
    }
    return Fd(gate_, answer.fd());
}

std::string MapLoader::pin_path(const MapSpec& map) const {
    return fmt::format("{}/{}", options_.pin_directory, map.pin_name);
}

Map MapLoader::create(std::size_t index) {
    const MapSpec& spec = object_.maps[index];
    MapCreate call = request(spec, index);
    if (!spec.pin_name.empty()) {
        Fd pinned = open_pinned_map(gate_, pin_path(spec), spec, call);
        if (pinned.is_open()) {
            options_.notice(fmt::format("map '{}' is the one pinned at {}", spec.name, pin_path(spec)));
            Map map(gate_, object_, spec, call.max_entries, std::move(pinned));
            map.was_pinned_ = true;
            if (is_arena(spec)) map.memory_ = map_arena(map);
            return map;
        }
    }
    // The kernel keeps the shape of the inner map, not the map.
    Fd inner;
    if (!spec.inner.empty()) {
        inner = enter(spec.inner.front(), request(spec.inner.front(), index), index);
        call.inner_map_fd = static_cast<std::uint32_t>(inner.get());
    }
    Map map(gate_, object_, spec, call.max_entries, enter(spec, call, index));
    inner.reset();
    if (is_arena(spec)) map.memory_ = map_arena(map);
    fill(map);
    if (!spec.pin_name.empty()) {
        pins_.reserve(pins_.size() + 1);  // the pin is noted whatever happens
        std::string path = pin_path(spec);
        pin_object(gate_, path, map.fd(), fmt::format("map '{}'", spec.name));
        pins_.push_back(std::move(path));
    }
    return map;
}

void MapLoader::remove_pins() noexcept {
    while (!pins_.empty()) {
        gate_.enter(Unlink{.path = std::move(pins_.back())}, "the load has failed, so the map's name goes too");
        pins_.pop_back();
    }
}

void MapLoader::fill(Map& map) const {
    const MapSpec& spec = map.spec();
    if (is_arena(spec)) std::ranges::copy(spec.initial, map.memory_.bytes().begin());
    if (spec.origin != MapOrigin::data_section && spec.origin != MapOrigin::kconfig) return;
    const bool is_kconfig = spec.origin == MapOrigin::kconfig;
    Bytes made = is_kconfig ? kconfig_contents(gate_, types_, object_) : Bytes();
    if (!is_kconfig && spec.initial.size() != spec.value_size) {  // .bss, or a section that was made larger
        if (spec.initial.size() > spec.value_size) {
            throw Error({.doing = fmt::format("map '{}': its variables take {} bytes, and its value_size is {}",
                                              spec.name, spec.initial.size(), spec.value_size),
                         .blame = Blame::usage});
        }
        made = spec.initial;
        made.resize(spec.value_size);
    }
    const ByteView contents = made.empty() ? ByteView(spec.initial) : ByteView(made);
    const std::uint32_t zero = 0;
    map.update(bytes_of(zero), contents, BPF_ANY,
               [&] { return fmt::format("the contents of section {}, {} bytes", map.name(), contents.size()); });
    if (spec.read_only) freeze(map);
}

void MapLoader::freeze(const Map& map) const {
    const MapFreeze call{.map_fd = map.fd()};
    const Answer answer = gate_.enter(call, [&] {
        return fmt::format("{} is read-only from here on, so that the verifier may take its values as constants",
                           map.name());
    });
    if (!answer.ok()) throw kernel_error(fmt::format("freezing map '{}'", map.name()), call, answer);
}

// The verifier wants to know at which address user space sees the arena, before it takes a program that uses it:
// `map_extra` says, or else the first mmap() settles it (arena_map_mmap(), kernel/bpf/arena.c). max_entries counts
// pages.
Mapping MapLoader::map_arena(const Map& map) const {
    const MapSpec& spec = map.spec();
    const Mmap call{.length = std::size_t{map.max_entries()} * page_size(),
                    .prot = PROT_READ | PROT_WRITE,
                    .fd = map.fd(),
                    .address = static_cast<std::uintptr_t>(spec.map_extra)};
    const Answer answer = gate_.enter(call, "the arena's memory here: programs use the same addresses");
    if (!answer.ok()) throw kernel_error(fmt::format("mapping the arena '{}'", map.name()), call, answer);
    Mapping memory(gate_, reinterpret_cast<void*>(answer.value), call.length);
    if (spec.initial.size() > call.length) {
        throw_malformed(fmt::format("arena '{}': {} bytes of variables do not fit its {} pages", map.name(),
                                    spec.initial.size(), map.max_entries()));
    }
    return memory;
}

}  // namespace minibpf
