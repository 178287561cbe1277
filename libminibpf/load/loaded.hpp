// What is loaded in the kernel, whoever loaded it: programs, maps, links and BTF, each by its id, its pin or its name.
//
// Everything that bpf(2) makes has a number as long as it lives. BPF_*_GET_NEXT_ID walks through the numbers,
// BPF_*_GET_FD_BY_ID opens what has one (CAP_SYS_ADMIN for both), and BPF_OBJ_GET_INFO_BY_FD tells what
// it is. So any process can look at what another one has loaded, change its maps, and keep it alive by a descriptor or
// a pin.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <linux/bpf.h>

#include <libminibpf/kernel/fd.hpp>
#include <libminibpf/load/object.hpp>

#pragma GCC visibility push(default)

namespace minibpf {

/// "program", "map", "BTF object", "link".
std::string_view id_kind_name(IdKind kind) noexcept;

/// All ids of that kind, in ascending order. Throws Error (Blame::facility) without privilege.
std::vector<std::uint32_t> loaded_ids(KernelGate& gate, IdKind kind);

/// Throws Error: nothing has this id (Blame::object), or a privilege is missing.
Fd open_by_id(KernelGate& gate, IdKind kind, std::uint32_t id);

/// What is pinned under that path. Throws Error: there is no such pin, or something of another kind is pinned there
/// (Blame::object). In a dry run, which cannot know what is there, nothing is open.
Fd open_pin(KernelGate& gate, IdKind kind, const std::string& path);

/// By what a person writes: an id (`12`), a pin's path (anything with a slash), or a name. Throws Error: no such name
/// (with the nearest one), or several objects have it (with their ids).
Fd open_loaded(KernelGate& gate, IdKind kind, const std::string& which);

/// The lines of /proc/self/fdinfo/FD: what the kernel says of an open descriptor (`memlock`, `frozen`, `prog_id`).
using FdFacts = std::map<std::string, std::string, std::less<>>;
/// Throws Error naming the file when it cannot be read.
FdFacts facts_of_fd(KernelGate& gate, int fd);

/// What the kernel tells of a program: struct bpf_prog_info.
struct ProgramFacts {
    std::uint32_t id = 0;
    bpf_prog_type type{};
    std::string name;                    ///< at most 15 characters
    std::string tag;                     ///< a digest of the instructions, 16 hex digits
    std::uint32_t xlated_size = 0;       ///< bytes of the verified instructions
    std::uint32_t jited_size = 0;        ///< bytes of machine code; 0: interpreted
    std::uint32_t verified_insns = 0;    ///< how many the verifier looked at (Linux 5.16)
    std::uint64_t memlock = 0;           ///< bytes
    std::uint64_t loaded_ns = 0;         ///< since boot
    std::uint32_t uid = 0;               ///< who loaded it
    bool gpl_compatible = false;         ///< by its license
    std::uint32_t btf_id = 0;            ///< 0: none
    std::uint64_t run_count = 0;         ///< while statistics are on: EnableStats, or sysctl kernel.bpf_stats_enabled
    std::uint64_t run_time_ns = 0;       ///< likewise
    std::uint64_t recursion_misses = 0;  ///< runs left out because the program was running already (5.12)
    std::vector<std::uint32_t> map_ids;  ///< the maps that it uses
};
/// BPF_OBJ_GET_INFO_BY_FD of an open program. Throws Error.
ProgramFacts program_facts(KernelGate& gate, int prog_fd);

/// The program's instructions as the verifier has left them ("translated"): maps by their ids, helpers by their
/// distance from the kernel's symbol __bpf_call_base, what is never reached gone, some calls replaced by what they do.
/// Empty where the kernel does not show them to this process.
std::vector<bpf_insn> program_instructions(KernelGate& gate, int prog_fd);

/// What the kernel tells of a map: struct bpf_map_info.
struct MapFacts {
    std::uint32_t id = 0;
    bpf_map_type type{};
    std::string name;  ///< at most 15 characters
    std::uint32_t key_size = 0, value_size = 0, max_entries = 0, map_flags = 0;
    std::uint64_t map_extra = 0;
    std::uint64_t memlock = 0;  ///< bytes
    bool frozen = false;
    std::uint32_t ifindex = 0;
    std::uint32_t btf_id = 0, btf_key_type_id = 0, btf_value_type_id = 0;  ///< 0: none
    std::uint32_t btf_vmlinux_value_type_id = 0;                           ///< struct_ops: a type of the kernel's
};
/// BPF_OBJ_GET_INFO_BY_FD of an open map. Throws Error.
MapFacts map_facts(KernelGate& gate, int map_fd);

/// What the kernel tells of a link: struct bpf_link_info.
struct LinkFacts {
    std::uint32_t id = 0;
    std::uint32_t type = 0;  ///< bpf_link_type, a number
    std::string type_name;   ///< "raw_tracepoint", "tracing", "cgroup", "xdp", ...
    std::uint32_t prog_id = 0;
    std::string target;  ///< "sys_enter", "kprobe vfs_read+0x10", "cgroup 1234 cgroup_inet_ingress"; may be empty
};
/// BPF_OBJ_GET_INFO_BY_FD of an open link. Throws Error.
LinkFacts link_facts(KernelGate& gate, int link_fd);

/// What the kernel tells of BTF that it holds: struct bpf_btf_info.
struct BtfFacts {
    std::uint32_t id = 0;
    std::string name;        ///< "vmlinux", a module's; empty for what a loader brought
    std::uint32_t size = 0;  ///< bytes
    bool of_kernel = false;
};
/// BPF_OBJ_GET_INFO_BY_FD of open BTF. Throws Error.
BtfFacts btf_facts(KernelGate& gate, int btf_fd);

/// All there is, by id, whoever loaded it. What ends while one looks is passed over. Throws Error (Blame::facility)
/// without privilege.
///@{
std::vector<ProgramFacts> loaded_programs(KernelGate& gate);
std::vector<MapFacts> loaded_maps(KernelGate& gate);
std::vector<LinkFacts> loaded_links(KernelGate& gate);
std::vector<BtfFacts> loaded_btfs(KernelGate& gate);
///@}

/// A process that has a descriptor of something loaded.
struct Holder {
    int pid = 0;
    std::string command;  ///< /proc/PID/comm
    bool operator==(const Holder&) const = default;
};
/// Which kind of thing, and its id among those.
using LoadedId = std::pair<IdKind, std::uint32_t>;

/// Which processes hold what, by /proc/*/fdinfo. Looks through all processes that it may look into.
std::map<LoadedId, std::vector<Holder>> holders(KernelGate& gate);

/// Where what is pinned, in every bpffs that is mounted.
std::map<LoadedId, std::vector<std::string>> pins(KernelGate& gate);

/// A map of somebody else's, to be looked into as if its object had been loaded here: keys and values are typed by the
/// BTF that the kernel has of it.
class LoadedMap {
public:
    /// Takes the open map over, and asks the kernel what it is. Throws Error.
    LoadedMap(KernelGate& gate, Fd fd);

    const MapFacts& facts() const noexcept { return facts_; }  ///< as the kernel told them then
    Map& map() noexcept { return *map_; }                      ///< the map, for its elements
    const Map& map() const noexcept { return *map_; }          ///< the map, for its elements
    /// The BTF that its types are of; null when the kernel knows none.
    const btf::Btf* btf() const noexcept { return spec_->btf ? &*spec_->btf : nullptr; }

private:
    MapFacts facts_;
    std::unique_ptr<ObjectSpec> spec_;  // on the heap: the map points into it
    std::unique_ptr<Map> map_;
};

}  // namespace minibpf

#pragma GCC visibility pop
