// Looking at what is loaded: ids, descriptors, and what BPF_OBJ_GET_INFO_BY_FD and /proc/self/fdinfo say.
#include <libminibpf/load/loaded.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <libminibpf/base/lines.hpp>
#include <libminibpf/base/nearest.hpp>
#include <libminibpf/kernel/files.hpp>
#include <libminibpf/kernel/kernel_error.hpp>
#include <libminibpf/load/kernel_types.hpp>

namespace minibpf {

namespace {

constexpr std::array<std::string_view, 4> id_kind_names = {"program", "map", "BTF object", "link"};
constexpr std::array<const char*, 4> id_facts = {"prog_id", "map_id", "btf_id", "link_id"};

std::string fixed_text(const char* text, std::size_t size) {
    return std::string(text, strnlen(text, size));
}

template <class Info>
Info loaded_info(KernelGate& gate, int fd, std::string_view what, Info info = {}) {
    const ObjGetInfoByFd call{.bpf_fd = fd, .info = std::as_writable_bytes(std::span<Info, 1>(&info, 1))};
    const Answer answer = gate.enter(call);
    if (!answer.ok()) throw kernel_error(fmt::format("asking what is known about a {}", what), call, answer);
    return info;
}

std::uint64_t number_fact(const FdFacts& facts, std::string_view name) {
    const auto found = facts.find(name);
    std::uint64_t number = 0;
    if (found != facts.end())
        std::from_chars(found->second.data(), found->second.data() + found->second.size(), number);
    return number;
}

std::string tag_text(const std::uint8_t (&tag)[BPF_TAG_SIZE]) {
    return fmt::format("{:02x}", fmt::join(tag, ""));
}

// The name that the kernel keeps of what is open.
std::string name_of_loaded(KernelGate& gate, IdKind kind, int fd) {
    switch (kind) {
        case IdKind::prog: {
            const auto info = loaded_info<bpf_prog_info>(gate, fd, "program");
            return fixed_text(info.name, sizeof info.name);
        }
        case IdKind::map: {
            const auto info = loaded_info<bpf_map_info>(gate, fd, "map");
            return fixed_text(info.name, sizeof info.name);
        }
        case IdKind::btf: return btf_facts(gate, fd).name;
        case IdKind::link: break;
    }
    return {};  // links have none
}

std::optional<std::uint32_t> parse_id(std::string_view text) {
    std::uint32_t id = 0;
    const auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (problem != std::errc() || rest != text.data() + text.size()) return std::nullopt;
    return id;
}

template <class Facts>
std::vector<Facts> facts_of_all(KernelGate& gate, IdKind kind, Facts (*facts_of)(KernelGate&, int)) {
    std::vector<Facts> all;
    for (const std::uint32_t id : loaded_ids(gate, kind)) {
        const GetFdById call{.kind = kind, .id = id};
        const Answer opened = gate.enter(call);
        if (opened.error == ENOENT) continue;  // gone since its number was told
        if (!opened.ok()) throw kernel_error(fmt::format("opening {} {}", id_kind_name(kind), id), call, opened);
        const Fd fd(gate, opened.fd());
        all.push_back(facts_of(gate, fd.get()));
    }
    return all;
}

Fd open_by_name(KernelGate& gate, IdKind kind, const std::string& name) {
    const std::string_view what = id_kind_name(kind);
    if (kind == IdKind::link)
        throw_usage(fmt::format("'{}': links have no names", name), "give its id, as `loader list links` shows it");
    // The kernel keeps 15 characters.
    const std::string_view kept = std::string_view(name).substr(0, BPF_OBJ_NAME_LEN - 1);
    Fd found;
    std::vector<std::uint32_t> ids;
    std::vector<std::string> names;
    for (const std::uint32_t id : loaded_ids(gate, kind)) {
        const Answer opened = gate.enter(GetFdById{.kind = kind, .id = id});
        if (!opened.ok()) continue;  // gone meanwhile
        Fd fd(gate, opened.fd());
        names.push_back(name_of_loaded(gate, kind, fd.get()));
        if (names.back() != kept) continue;
        ids.push_back(id);
        found = std::move(fd);
    }
    if (ids.size() == 1) return found;
    if (ids.empty()) {
        const std::vector<std::string_view> candidates(names.begin(), names.end());
        const std::string near = nearest(name, candidates);
        throw_malformed(fmt::format("no {} named '{}' is loaded", what, name),
                        near.empty() ? "`loader list` shows what is" : fmt::format("did you mean {}?", near));
    }
    throw_usage(fmt::format("{} {}s are named '{}'", ids.size(), what, name),
                fmt::format("give the id: {}", fmt::join(ids, ", ")));
}

}  // namespace

std::string_view id_kind_name(IdKind kind) noexcept {
    return id_kind_names[static_cast<std::size_t>(kind)];
}

std::vector<std::uint32_t> loaded_ids(KernelGate& gate, IdKind kind) {
    std::vector<std::uint32_t> ids;
    while (true) {
        const GetNextId call{.kind = kind, .start_id = ids.empty() ? 0 : ids.back()};
        const Answer next = gate.enter(call);
        if (next.error == ENOENT) return ids;
        if (!next.ok()) {
            const bool is_too_old = next.error == EINVAL;
            Error error = kernel_error(fmt::format("looking through the {}s that are loaded", id_kind_name(kind)), call,
                                       next, is_too_old ? "this kernel does not number them" : "run as root");
            throw is_too_old ? error.with_blame(Blame::facility) : error;
        }
        ids.push_back(next.out);
    }
}

Fd open_by_id(KernelGate& gate, IdKind kind, std::uint32_t id) {
    const GetFdById call{.kind = kind, .id = id};
    const Answer opened = gate.enter(call, [&] { return fmt::format("{} {}", id_kind_name(kind), id); });
    if (opened.ok()) return Fd(gate, opened.fd());
    const Error error = kernel_error(fmt::format("opening {} {}", id_kind_name(kind), id), call, opened,
                                     opened.error == ENOENT ? "`loader list` shows the ids" : "");
    throw opened.error == ENOENT ? error.with_blame(Blame::object) : error;
}

Fd open_pin(KernelGate& gate, IdKind kind, const std::string& path) {
    const ObjGet call{.pathname = path};
    const Answer opened = gate.enter(call, [&] { return fmt::format("the {} pinned there", id_kind_name(kind)); });
    if (opened.origin == Origin::dry_run) return {};
    if (!opened.ok()) {
        // EACCES is said of a file that is in no bpffs (kernel/bpf/inode.c, bpf_inode_type()).
        const bool is_missing = opened.error == ENOENT || opened.error == ENOTDIR || opened.error == EACCES;
        const Error error = kernel_error(fmt::format("opening what is pinned at {}", path), call, opened,
                                         is_missing ? "pins are files in a bpffs: ls /sys/fs/bpf" : "");
        throw is_missing ? error.with_blame(Blame::object) : error;
    }
    Fd fd(gate, opened.fd());
    const FdFacts facts = facts_of_fd(gate, fd.get());
    const auto wanted = static_cast<std::size_t>(kind);
    // A link's facts have the program's id too, but a program's have no link's.
    if (facts.contains(id_facts[wanted]) && (kind == IdKind::link || !facts.contains("link_id"))) return fd;
    throw_malformed(fmt::format("what is pinned at {} is no {}", path, id_kind_name(kind)));
}

Fd open_loaded(KernelGate& gate, IdKind kind, const std::string& which) {
    if (const auto id = parse_id(which)) return open_by_id(gate, kind, *id);
    if (which.find('/') != std::string::npos) return open_pin(gate, kind, which);
    return open_by_name(gate, kind, which);
}

FdFacts facts_of_fd(KernelGate& gate, int fd) {
    FdFacts facts;
    const Bytes content = read_file(gate, fmt::format("/proc/self/fdinfo/{}", fd));
    std::string_view text = text_of(content);
    while (!text.empty()) {
        const std::string_view line = take_line(text);
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        std::string_view value = line.substr(colon + 1);
        value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
        facts.emplace(line.substr(0, colon), value);
    }
    return facts;
}

ProgramFacts program_facts(KernelGate& gate, int prog_fd) {
    auto info = loaded_info<bpf_prog_info>(gate, prog_fd, "program");
    ProgramFacts facts{.id = info.id,
                       .type = static_cast<bpf_prog_type>(info.type),
                       .name = fixed_text(info.name, sizeof info.name),
                       .tag = tag_text(info.tag),
                       .xlated_size = info.xlated_prog_len,
                       .jited_size = info.jited_prog_len,
                       .verified_insns = info.verified_insns,
                       .memlock = number_fact(facts_of_fd(gate, prog_fd), "memlock"),
                       .loaded_ns = info.load_time,
                       .uid = info.created_by_uid,
                       .gpl_compatible = info.gpl_compatible != 0,
                       .btf_id = info.btf_id,
                       .run_count = info.run_cnt,
                       .run_time_ns = info.run_time_ns,
                       .recursion_misses = info.recursion_misses};
    if (info.nr_map_ids == 0) return facts;
    // The ids go into memory that the second call names; all the rest of the info must be zero then.
    facts.map_ids.resize(info.nr_map_ids);
    bpf_prog_info asked{};
    asked.nr_map_ids = info.nr_map_ids;
    asked.map_ids = reinterpret_cast<std::uintptr_t>(facts.map_ids.data());
    info = loaded_info<bpf_prog_info>(gate, prog_fd, "program's maps", asked);
    facts.map_ids.resize(std::min<std::size_t>(facts.map_ids.size(), info.nr_map_ids));
    return facts;
}

std::vector<bpf_insn> program_instructions(KernelGate& gate, int prog_fd) {
    const auto known = loaded_info<bpf_prog_info>(gate, prog_fd, "program");
    std::vector<bpf_insn> insns(known.xlated_prog_len / sizeof(bpf_insn));
    bpf_prog_info request{};
    request.xlated_prog_insns = reinterpret_cast<std::uintptr_t>(insns.data());
    request.xlated_prog_len = known.xlated_prog_len;
    const auto filled = loaded_info(gate, prog_fd, "program", request);
    if (filled.xlated_prog_insns == 0) insns.clear();  // not for this process: bpf_jit_harden, no CAP_BPF
    return insns;
}

MapFacts map_facts(KernelGate& gate, int map_fd) {
    const auto info = loaded_info<bpf_map_info>(gate, map_fd, "map");
    const FdFacts fd_facts = facts_of_fd(gate, map_fd);
    return {.id = info.id,
            .type = static_cast<bpf_map_type>(info.type),
            .name = fixed_text(info.name, sizeof info.name),
            .key_size = info.key_size,
            .value_size = info.value_size,
            .max_entries = info.max_entries,
            .map_flags = info.map_flags,
            .map_extra = info.map_extra,
            .memlock = number_fact(fd_facts, "memlock"),
            .frozen = number_fact(fd_facts, "frozen") != 0,
            .ifindex = info.ifindex,
            .btf_id = info.btf_id,
            .btf_key_type_id = info.btf_key_type_id,
            .btf_value_type_id = info.btf_value_type_id,
            .btf_vmlinux_value_type_id = info.btf_vmlinux_value_type_id};
}

BtfFacts btf_facts(KernelGate& gate, int btf_fd) {
    std::array<char, 64> name{};  // MODULE_NAME_LEN is 56
    bpf_btf_info asked{};
    asked.name = reinterpret_cast<std::uintptr_t>(name.data());
    asked.name_len = name.size();
    const auto info = loaded_info<bpf_btf_info>(gate, btf_fd, "BTF object", asked);
    return {.id = info.id,
            .name = fixed_text(name.data(), name.size()),
            .size = info.btf_size,
            .of_kernel = info.kernel_btf != 0};
}

std::vector<ProgramFacts> loaded_programs(KernelGate& gate) {
    return facts_of_all(gate, IdKind::prog, program_facts);
}

std::vector<MapFacts> loaded_maps(KernelGate& gate) {
    return facts_of_all(gate, IdKind::map, map_facts);
}

std::vector<LinkFacts> loaded_links(KernelGate& gate) {
    return facts_of_all(gate, IdKind::link, link_facts);
}

std::vector<BtfFacts> loaded_btfs(KernelGate& gate) {
    return facts_of_all(gate, IdKind::btf, btf_facts);
}

// The map is given the shape of one that a loaded object has: a specification, with the types that the kernel keeps.
LoadedMap::LoadedMap(KernelGate& gate, Fd fd)
    : facts_(map_facts(gate, fd.get())), spec_(std::make_unique<ObjectSpec>()) {
    if (facts_.btf_id != 0 && facts_.btf_value_type_id != 0) {
        const std::string where = fmt::format("the BTF of map {}", facts_.id);
        spec_->btf = btf::Btf::parse(copy_btf(gate, facts_.btf_id), where);
    }
    const bool has_types = spec_->btf.has_value();
    spec_->maps.push_back({.name = facts_.name.empty() ? fmt::format("{}", facts_.id) : facts_.name,
                           .kernel_name = facts_.name,
                           .type = facts_.type,
                           .key_size = facts_.key_size,
                           .value_size = facts_.value_size,
                           .max_entries = facts_.max_entries,
                           .map_flags = facts_.map_flags,
                           .map_extra = facts_.map_extra,
                           .btf_key_type_id = has_types ? facts_.btf_key_type_id : 0,
                           .btf_value_type_id = has_types ? facts_.btf_value_type_id : 0});
    map_ = std::make_unique<Map>(gate, *spec_, spec_->maps.front(), facts_.max_entries, std::move(fd));
}

}  // namespace minibpf
