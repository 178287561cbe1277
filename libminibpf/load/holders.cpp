// Who keeps what is loaded alive: processes by their descriptors, and pins.
//
// /proc/PID/fd names what a descriptor is ("anon_inode:bpf-map"), /proc/PID/fdinfo which one ("map_id: 12").
#include <libminibpf/load/loaded.hpp>

#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <set>

#include <libminibpf/base/error.hpp>

namespace minibpf {

namespace {

namespace fs = std::filesystem;

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

std::optional<std::uint32_t> id_in_fdinfo(const fs::path& path, std::string_view fact) {
    std::ifstream file(path);
    std::string name;
    std::uint32_t id = 0;
    for (std::string line; std::getline(file, line);) {
        const std::string_view text = line;
        if (!text.starts_with(fact) || text.substr(fact.size()).find(':') != 0) continue;
        const std::size_t digits = text.find_first_of("0123456789", fact.size());
        if (digits == std::string_view::npos) continue;
        if (std::from_chars(text.data() + digits, text.data() + text.size(), id).ec == std::errc()) return id;
    }
    return std::nullopt;
}

std::optional<LoadedId> loaded_behind(const fs::path& process, const std::string& fd) {
    std::error_code gone;
    const std::string link = fs::read_symlink(process / "fd" / fd, gone).string();
    for (const DescriptorKind& known : descriptor_kinds) {
        if (link != known.link) continue;
        if (const auto id = id_in_fdinfo(process / "fdinfo" / fd, known.fact)) return LoadedId{known.kind, *id};
    }
    return std::nullopt;
}

std::set<std::string> bpffs_mounts() {
    std::set<std::string> mounts;
    std::ifstream file("/proc/self/mounts");
    std::string source, target, type, rest;
    while (file >> source >> target >> type && std::getline(file, rest)) {
        if (type == "bpf") mounts.insert(target);
    }
    return mounts;
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

}  // namespace

std::map<LoadedId, std::vector<Holder>> holders() {
    std::map<LoadedId, std::vector<Holder>> found;
    std::error_code ignored;
    for (fs::directory_iterator process("/proc", ignored), end; process != end; process.increment(ignored)) {
        const std::string name = process->path().filename().string();
        if (name.find_first_not_of("0123456789") != std::string::npos) continue;
        Holder holder{.pid = std::stoi(name)};
        std::error_code gone;  // or not ours to look into
        for (fs::directory_iterator fd(process->path() / "fd", gone), last; !gone && fd != last; fd.increment(gone)) {
            const auto held = loaded_behind(process->path(), fd->path().filename().string());
            if (!held) continue;
            if (holder.command.empty()) std::getline(std::ifstream(process->path() / "comm"), holder.command);
            std::vector<Holder>& all = found[*held];
            if (all.empty() || all.back() != holder) all.push_back(holder);
        }
    }
    return found;
}

std::map<LoadedId, std::vector<std::string>> pins(KernelGate& gate) {
    std::map<LoadedId, std::vector<std::string>> found;
    for (const std::string& mount : bpffs_mounts()) {
        std::error_code ignored;
        const auto options = fs::directory_options::skip_permission_denied;
        for (fs::recursive_directory_iterator file(mount, options, ignored), end; !ignored && file != end;
             file.increment(ignored)) {
            std::error_code gone;
            if (!file->is_regular_file(gone)) continue;
            const std::string path = file->path().string();
            const Answer opened = gate.enter(ObjGet{.pathname = path}, "what is pinned there?");
            if (!opened.ok()) continue;
            const Fd fd(gate, opened.fd());
            if (const auto id = loaded_in(facts_of_fd(gate, fd.get()))) found[*id].push_back(path);
        }
    }
    return found;
}

}  // namespace minibpf
