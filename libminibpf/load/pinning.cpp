// BPF_OBJ_GET before a map is created, BPF_OBJ_PIN after it.
#include <libminibpf/load/pinning.hpp>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include <libminibpf/base/error.hpp>
#include <libminibpf/kernel/cpus.hpp>
#include <libminibpf/kernel/files.hpp>
#include <libminibpf/kernel/kernel_error.hpp>
#include <libminibpf/kernel/mounts.hpp>

namespace minibpf {

namespace {

constexpr std::string_view bpffs = "/sys/fs/bpf/";

struct Difference {
    const char* field;
    std::uint64_t pinned, wanted;
};

/// The flags that stay with a map. BPF_F_RDONLY and BPF_F_WRONLY are the descriptor's, and the kernel does not report
/// them (bpf_map_flags_retain_permanent()); devmaps get BPF_F_RDONLY_PROG without having been asked (dev_map_alloc()).
std::uint32_t lasting_flags(std::uint32_t type, std::uint32_t flags) {
    flags &= ~std::uint32_t{BPF_F_RDONLY | BPF_F_WRONLY};
    const bool is_devmap = type == BPF_MAP_TYPE_DEVMAP || type == BPF_MAP_TYPE_DEVMAP_HASH;
    return is_devmap ? flags & ~std::uint32_t{BPF_F_RDONLY_PROG} : flags;
}

/// LRU lists of each CPU's own get the same number of elements each, so the kernel rounds up (htab_map_alloc()).
std::uint64_t rounded_entries(KernelGate& gate, const MapCreate& wanted) {
    if ((wanted.map_flags & BPF_F_NO_COMMON_LRU) == 0) return wanted.max_entries;
    const auto cpus = static_cast<std::uint64_t>(possible_cpu_count(gate));
    return (wanted.max_entries + cpus - 1) / cpus * cpus;
}

/// Of a pinned program or link, BPF_OBJ_GET_INFO_BY_FD tells other things in the same bytes.
bool is_map(KernelGate& gate, int fd) {
    const std::string path = fmt::format("/proc/self/fdinfo/{}", fd);
    const Bytes text = read_file(gate, path, "it is different: is it a map at all?");
    return text_of(text).find("map_type:") != std::string_view::npos;
}

std::string differences(KernelGate& gate, const bpf_map_info& info, const MapCreate& wanted) {
    const std::uint32_t flags = lasting_flags(info.type, info.map_flags);
    const std::uint32_t wanted_flags = lasting_flags(wanted.type, wanted.map_flags);
    const Difference fields[] = {
        {"key_size", info.key_size, wanted.key_size},
        {"value_size", info.value_size, wanted.value_size},
        {"max_entries", info.max_entries, rounded_entries(gate, wanted)},
        {"map_flags", flags, wanted_flags},
        {"map_extra", info.map_extra, wanted.map_extra},
    };
    std::string text;
    if (info.type != wanted.type) {
        text = fmt::format("type {} instead of {}", map_type_name(static_cast<bpf_map_type>(info.type)),
                           map_type_name(static_cast<bpf_map_type>(wanted.type)));
    }
    for (const Difference& field : fields) {
        if (field.pinned == field.wanted) continue;
        text += fmt::format("{}{}={} instead of {}", text.empty() ? "" : ", ", field.field, field.pinned, field.wanted);
    }
    return text;
}

void make_directories(KernelGate& gate, const std::string& path) {
    for (std::size_t slash = path.find('/', bpffs.size()); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
        const Mkdir call{.path = path.substr(0, slash), .mode = 0700};
        const Answer answer = gate.enter(call, "a directory for the pin");
        if (!answer.ok() && answer.error != EEXIST)
            throw kernel_error(fmt::format("making {}", call.path), call, answer);
    }
}

// Security modules say EPERM as well. A bpffs over another would hide the pins that are there, and keep them for ever.
bool has_bpffs(KernelGate& gate) {
    const auto table = read_text(gate, "/proc/self/mounts", "is a bpffs mounted there?");  // if not, it has to be tried
    return std::ranges::any_of(parse_mounts(table.value_or("")), [](const MountedAt& mount) {
        return mount.directory == "/sys/fs/bpf" && mount.filesystem == "bpf";
    });
}

}  // namespace

Fd open_pinned_map(KernelGate& gate, const std::string& path, const MapSpec& spec, const MapCreate& wanted) {
    const ObjGet call{.pathname = path};
    const Answer opened = gate.enter(
        call, [&] { return fmt::format("`{}` is pinned by its name: is it there from an earlier load?", spec.name); });
    if (opened.error == ENOENT) return {};
    if (!opened.ok()) throw kernel_error(fmt::format("opening the pinned map {}", path), call, opened);
    Fd fd(gate, opened.fd());
    bpf_map_info info{};
    const ObjGetInfoByFd ask{.bpf_fd = fd.get(), .info = std::as_writable_bytes(std::span<bpf_map_info, 1>(&info, 1))};
    const Answer told = gate.enter(ask, "whether the pinned map is of the same shape");
    if (!told.ok()) throw kernel_error(fmt::format("asking about the pinned map {}", path), ask, told);
    if (told.origin == Origin::dry_run) return fd;
    const std::string difference = differences(gate, info, wanted);
    if (difference.empty()) return fd;
    if (!is_map(gate, fd.get())) {
        throw_malformed(fmt::format("map '{}': what is pinned at {} is no map", spec.name, path),
                        "remove the pin, or give the map another name");
    }
    throw_malformed(fmt::format("map '{}': the one pinned at {} has {}", spec.name, path, difference),
                    fmt::format("remove the pin (rm {}), or give the map another name", path));
}

// A kernel that has no bpffs at that place says EPERM, or ENOENT where the directories are missing.
void pin_object(KernelGate& gate, const std::string& path, int fd, const std::string& what) {
    const ObjPin call{.pathname = path, .bpf_fd = fd};
    const auto why = [&] { return fmt::format("{} keeps this name, and lives on, when the loader ends", what); };
    Answer answer = gate.enter(call, why);
    if ((answer.error == EPERM || answer.error == ENOENT) && path.starts_with(bpffs)) {
        if (answer.error == EPERM && !has_bpffs(gate)) {
            gate.enter(Mount{.source = "bpf", .target = "/sys/fs/bpf", .filesystem = "bpf"},
                       "pins live in a bpffs, and none is mounted there");
        }
        make_directories(gate, path);
        answer = gate.enter(call, "once more");
    }
    if (!answer.ok()) {
        throw kernel_error(fmt::format("pinning {} at {}", what, path), call, answer,
                           answer.error == EPERM ? "is it in a bpffs? mount -t bpf bpf /sys/fs/bpf" : "");
    }
}

}  // namespace minibpf
