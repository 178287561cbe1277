// Who keeps what is loaded alive: processes by their descriptors, and pins.
//
// /proc/PID/fd names what a descriptor is ("anon_inode:bpf-map"), /proc/PID/fdinfo which one ("map_id: 12").
#include <libminibpf/load/loaded.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include <dirent.h>
#include <fmt/format.h>

#include <libminibpf/base/lines.hpp>
#include <libminibpf/kernel/files.hpp>
#include <libminibpf/kernel/mounts.hpp>

namespace minibpf {

namespace {

struct DescriptorKind {
    std::string_view link;  // what /proc/PID/fd/N points to
    std::string_view fact;  // the line of fdinfo that has the id
    IdKind kind;
};
constexpr std::array<DescriptorKind, 5> descriptor_kinds = {{{"anon_inode:bpf-prog", "prog_id", IdKind::prog},
                                                             {"anon_inode:bpf-map", "map_id", IdKind::map},
                                                             {"anon_inode:btf", "btf_id", IdKind::btf},
                                                             {"anon_inode:bpf_link", "link_id", IdKind::link},
                                                             {"anon_inode:bpf-link", "link_id", IdKind::link}}};

std::optional<std::uint32_t> id_in(std::string_view fdinfo, std::string_view fact) {
    while (!fdinfo.empty()) {
        std::string_view line = take_line(fdinfo);
        if (!line.starts_with(fact) || !line.substr(fact.size()).starts_with(':')) continue;
        line.remove_prefix(std::min(line.find_first_of("0123456789"), line.size()));
        std::uint32_t id = 0;
        if (std::from_chars(line.data(), line.data() + line.size(), id).ec == std::errc()) return id;
    }
    return std::nullopt;
}

std::optional<LoadedId> loaded_behind(KernelGate& gate, const std::string& process, const std::string& fd) {
    const std::string link = read_link(gate, fmt::format("{}/fd/{}", process, fd)).value_or("");
    for (const DescriptorKind& known : descriptor_kinds) {
        if (link != known.link) continue;
        const std::string fdinfo = read_text(gate, fmt::format("{}/fdinfo/{}", process, fd)).value_or("");
        if (const auto id = id_in(fdinfo, known.fact)) return LoadedId{known.kind, *id};
    }
    return std::nullopt;
}

std::string command_of(KernelGate& gate, const std::string& process) {
    const std::string comm = read_text(gate, process + "/comm").value_or("");
    return comm.substr(0, comm.find('\n'));
}

// One place may have been mounted on several times.
std::set<std::string> bpffs_mounts(KernelGate& gate) {
    std::set<std::string> directories;
    for (MountedAt& mount : parse_mounts(read_text(gate, "/proc/self/mounts", "where is a bpffs?").value_or(""))) {
        if (mount.filesystem == "bpf") directories.insert(std::move(mount.directory));
    }
    return directories;
}

// A link's facts name its program too.
std::optional<LoadedId> loaded_in(const FdFacts& facts) {
    for (const IdKind kind : {IdKind::link, IdKind::map, IdKind::prog}) {
        const char* name = kind == IdKind::link ? "link_id" : kind == IdKind::map ? "map_id" : "prog_id";
        const auto found = facts.find(name);
        if (found == facts.end()) continue;
        std::uint32_t id = 0;
        std::from_chars(found->second.data(), found->second.data() + found->second.size(), id);
        return LoadedId{kind, id};
    }
    return std::nullopt;
}

std::optional<LoadedId> loaded_at_pin(KernelGate& gate, const std::string& path) {
    const Answer opened = gate.enter(ObjGet{.pathname = path}, "what is pinned there?");
    if (!opened.ok()) return std::nullopt;
    const Fd fd(gate, opened.fd());
    return loaded_in(facts_of_fd(gate, fd.get()));
}

}  // namespace

std::map<LoadedId, std::vector<Holder>> holders(KernelGate& gate) {
    std::map<LoadedId, std::vector<Holder>> found;
    for (const DirectoryEntry& entry : list_directory(gate, "/proc", "which processes are there?")) {
        if (entry.name.find_first_not_of("0123456789") != std::string::npos) continue;
        const std::string process = "/proc/" + entry.name;
        Holder holder;
        std::from_chars(entry.name.data(), entry.name.data() + entry.name.size(), holder.pid);
        for (const DirectoryEntry& fd : list_directory(gate, process + "/fd")) {
            const auto held = loaded_behind(gate, process, fd.name);
            if (!held) continue;
            if (holder.command.empty()) holder.command = command_of(gate, process);
            std::vector<Holder>& all = found[*held];
            if (all.empty() || all.back() != holder) all.push_back(holder);
        }
    }
    return found;
}

std::map<LoadedId, std::vector<std::string>> pins(KernelGate& gate) {
    std::map<LoadedId, std::vector<std::string>> found;
    const std::set<std::string> mounts = bpffs_mounts(gate);
    std::vector<std::string> directories(mounts.begin(), mounts.end());
    while (!directories.empty()) {
        const std::string directory = std::move(directories.back());
        directories.pop_back();
        for (const DirectoryEntry& entry : list_directory(gate, directory)) {
            std::string path = directory + "/" + entry.name;
            if (entry.type == DT_DIR) directories.push_back(std::move(path));
            if (entry.type != DT_REG) continue;
            if (const auto id = loaded_at_pin(gate, path)) found[*id].push_back(path);
        }
    }
    return found;
}

}  // namespace minibpf
