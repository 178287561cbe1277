// The tables of bpf(2): every field of `union bpf_attr` that a command has, in the order of the union, which is the
// order in which strace prints them (include/uapi/linux/bpf.h).
#include <libminibpf/narrate/attr_tables.hpp>

#include <array>

namespace minibpf {

namespace {

// A field under the name that it has in the union: name, offset, width.
#define MINIBPF_FIELD(field) \
#field, offsetof(union bpf_attr, field), sizeof(static_cast <union bpf_attr*>(nullptr)->field)

constexpr std::array<AttrField, 18> map_create = {{
    {MINIBPF_FIELD(map_type), FieldFormat::enumeration, "what kind of map: how it finds a value by its key",
     &bpf_map_types},
    {MINIBPF_FIELD(key_size), FieldFormat::number, "bytes of a key"},
    {MINIBPF_FIELD(value_size), FieldFormat::number, "bytes of a value"},
    {MINIBPF_FIELD(max_entries), FieldFormat::number, "how many elements at most; for ring buffers the size in bytes"},
    {MINIBPF_FIELD(map_flags), FieldFormat::flags, "how it is allocated and who may write", &bpf_map_flags},
    {MINIBPF_FIELD(inner_map_fd), FieldFormat::descriptor, "for maps of maps: a map like those to be put in"},
    {MINIBPF_FIELD(numa_node), FieldFormat::numa_node, "whose memory it is allocated from"},
    {MINIBPF_FIELD(map_name), FieldFormat::name,
     "how tools show it, at most 15 characters; the kernel does not need it"},
    {MINIBPF_FIELD(map_ifindex), FieldFormat::interface, "0: not offloaded to a network card"},
    {MINIBPF_FIELD(btf_fd), FieldFormat::descriptor,
     "the BTF that describes key and value, by its descriptor; 0: none"},
    {MINIBPF_FIELD(btf_key_type_id), FieldFormat::number, "the key's type in that BTF; 0: none"},
    {MINIBPF_FIELD(btf_value_type_id), FieldFormat::number, "the value's type in that BTF; 0: none"},
    {MINIBPF_FIELD(btf_vmlinux_value_type_id), FieldFormat::number, "for struct_ops: a type of the kernel's own BTF"},
    {MINIBPF_FIELD(map_extra), FieldFormat::number,
     "meaning depends on the map type; for Bloom filters the hash functions"},
    // After map_extra (include/uapi/linux/bpf.h of 6.18).
    {"value_type_btf_obj_fd", 72, 4, FieldFormat::descriptor, "for struct_ops: a module's BTF", nullptr,
     StraceVersion::v7_2},
    {"map_token_fd", 76, 4, FieldFormat::descriptor, "a BPF token that grants the privilege", nullptr,
     StraceVersion::v7_2},
    {"excl_prog_hash", 80, 8, FieldFormat::address, "the one program that may use it", nullptr, StraceVersion::v7_2},
    {"excl_prog_hash_size", 88, 4, FieldFormat::number, "bytes of that hash", nullptr, StraceVersion::v7_2},
}};

constexpr std::array<AttrField, 4> map_lookup_elem = {{
    {MINIBPF_FIELD(map_fd), FieldFormat::descriptor, "which map"},
    {MINIBPF_FIELD(key), FieldFormat::address, "where the key lies; the map knows its size"},
    {MINIBPF_FIELD(value), FieldFormat::address, "where the kernel copies the value to"},
    {MINIBPF_FIELD(flags), FieldFormat::flags, "BPF_F_LOCK takes the value's spin lock; 0 is shown as BPF_ANY",
     &bpf_lookup_flags},
}};

constexpr std::array<AttrField, 4> map_update_elem = {{
    {MINIBPF_FIELD(map_fd), FieldFormat::descriptor, "which map"},
    {MINIBPF_FIELD(key), FieldFormat::address, "where the key lies; the map knows its size"},
    {MINIBPF_FIELD(value), FieldFormat::address, "where the value lies; the kernel copies it"},
    {MINIBPF_FIELD(flags), FieldFormat::enumeration, "BPF_ANY: whether the key is there or not", &bpf_update_flags},
}};

constexpr std::array<AttrField, 2> map_delete_elem = {{
    {MINIBPF_FIELD(map_fd), FieldFormat::descriptor, "which map"},
    {MINIBPF_FIELD(key), FieldFormat::address, "where the key lies"},
}};

constexpr std::array<AttrField, 3> map_get_next_key = {{
    {MINIBPF_FIELD(map_fd), FieldFormat::descriptor, "which map"},
    {MINIBPF_FIELD(key), FieldFormat::address, "where a key lies; NULL asks for the first one"},
    {MINIBPF_FIELD(next_key), FieldFormat::address, "where the kernel copies the key after it to"},
}};

constexpr std::array<AttrField, 1> map_freeze = {{
    {MINIBPF_FIELD(map_fd), FieldFormat::descriptor, "which map; user space can no longer write to it"},
}};

constexpr std::array<AttrField, 22> prog_load = {{
    {MINIBPF_FIELD(prog_type), FieldFormat::enumeration,
     "what it may be attached to, what its context is, which helpers it may call", &bpf_prog_types},
    {MINIBPF_FIELD(insn_cnt), FieldFormat::number, "how many instructions of 8 bytes"},
    {MINIBPF_FIELD(insns), FieldFormat::address, "where the instructions lie"},
    {MINIBPF_FIELD(license), FieldFormat::string, "some helpers are for programs under a GPL-compatible license only"},
    {MINIBPF_FIELD(log_level), FieldFormat::number,
     "how much the verifier tells: 0 nothing, 1 the path to the fault, 2 all, 4 statistics"},
    {MINIBPF_FIELD(log_size), FieldFormat::number, "bytes of the log buffer"},
    {MINIBPF_FIELD(log_buf), FieldFormat::log, "where the verifier writes its log; shown is what was in it before"},
    {MINIBPF_FIELD(kern_version), FieldFormat::kernel_version,
     "kernels before 5.0 wanted theirs here for kprobes; ignored since"},
    {MINIBPF_FIELD(prog_flags), FieldFormat::flags, "strictness of the verifier, and what the program may do",
     &bpf_prog_flags},
    {MINIBPF_FIELD(prog_name), FieldFormat::name, "how tools show it, at most 15 characters"},
    {MINIBPF_FIELD(prog_ifindex), FieldFormat::interface, "0: not offloaded to a network card"},
    {MINIBPF_FIELD(expected_attach_type), FieldFormat::enumeration,
     "where it will be attached, for the types that have a choice", &bpf_attach_types},
    {MINIBPF_FIELD(prog_btf_fd), FieldFormat::descriptor, "the BTF that func_info and line_info refer to; 0: none"},
    {MINIBPF_FIELD(func_info_rec_size), FieldFormat::number, "bytes of a func_info record"},
    {MINIBPF_FIELD(func_info), FieldFormat::address, "which instruction begins which function"},
    {MINIBPF_FIELD(func_info_cnt), FieldFormat::number, "how many functions"},
    {MINIBPF_FIELD(line_info_rec_size), FieldFormat::number, "bytes of a line_info record"},
    {MINIBPF_FIELD(line_info), FieldFormat::address,
     "which instruction comes from which source line: the log quotes it"},
    {MINIBPF_FIELD(line_info_cnt), FieldFormat::number, "how many lines"},
    {MINIBPF_FIELD(attach_btf_id), FieldFormat::number,
     "for fentry, LSM, ...: the kernel function, as a type of the kernel's BTF"},
    {MINIBPF_FIELD(attach_prog_fd), FieldFormat::descriptor,
     "for programs that attach to another program: which; 0: none"},
    {MINIBPF_FIELD(fd_array), FieldFormat::address,
     "descriptors that instructions name by index: modules' BTF, for kfuncs; NULL: none"},
    // Behind fd_array come core_relos and what later kernels added. minibpf relocates by itself and never passes that
    // much.
}};

constexpr std::array<AttrField, 8> btf_load = {{
    {MINIBPF_FIELD(btf), FieldFormat::btf, "where the BTF lies: the object's types, in the kernel's own format"},
    {MINIBPF_FIELD(btf_log_buf), FieldFormat::address, "where the kernel says what it finds wrong"},
    {MINIBPF_FIELD(btf_size), FieldFormat::number, "bytes of BTF"},
    {MINIBPF_FIELD(btf_log_size), FieldFormat::number, "bytes of the log buffer"},
    {MINIBPF_FIELD(btf_log_level), FieldFormat::number, "0: no log"},
    {"btf_log_true_size", 28, 4, FieldFormat::number, "how large the log buffer should have been", nullptr,
     StraceVersion::v7_2},
    {"btf_flags", 32, 4, FieldFormat::flags, "whether there is a token", &bpf_file_flags, StraceVersion::v7_2},
    {"btf_token_fd", 36, 4, FieldFormat::descriptor, "a BPF token that grants the privilege", nullptr,
     StraceVersion::v7_2},
}};

constexpr std::array<AttrField, 3> raw_tracepoint_open = {{
    {MINIBPF_FIELD(raw_tracepoint.name), FieldFormat::string,
     "which tracepoint; NULL: the target was fixed when the program was loaded"},
    {MINIBPF_FIELD(raw_tracepoint.prog_fd), FieldFormat::descriptor, "which program is run at it"},
    {"raw_tracepoint.cookie", 16, 8, FieldFormat::hex, "what bpf_get_attach_cookie() gives", nullptr,
     StraceVersion::v7_2},
}};

constexpr std::array<AttrField, 4> link_create = {{
    {MINIBPF_FIELD(link_create.prog_fd), FieldFormat::descriptor, "which program is attached"},
    {MINIBPF_FIELD(link_create.target_fd), FieldFormat::descriptor,
     "to what: a perf event, a cgroup; for XDP the number of the network interface"},
    {MINIBPF_FIELD(link_create.attach_type), FieldFormat::enumeration, "where in it", &bpf_attach_types},
    {MINIBPF_FIELD(link_create.flags), FieldFormat::hex, "whether others stay attached, and in which order"},
}};

// link_create ends in a union; which member counts depends on the attach type.
constexpr std::array<AttrField, 1> link_cgroup = {{
    {MINIBPF_FIELD(link_create.target_btf_id), FieldFormat::number, "not used by this attach type"},
}};
constexpr std::array<AttrField, 1> link_perf_event = {{
    {MINIBPF_FIELD(link_create.perf_event.bpf_cookie), FieldFormat::hex, "what bpf_get_attach_cookie() gives"},
}};
constexpr std::array<AttrField, 2> link_iter = {{
    {MINIBPF_FIELD(link_create.iter_info), FieldFormat::iter_infos,
     "what to iterate over; strace takes the length for a number of elements", nullptr, StraceVersion::v6_1,
     offsetof(union bpf_attr, link_create.iter_info_len)},
    {MINIBPF_FIELD(link_create.iter_info_len), FieldFormat::number, "bytes of it"},
}};
constexpr std::size_t kprobe_multi_count = offsetof(union bpf_attr, link_create.kprobe_multi.cnt);
constexpr std::array<AttrField, 5> link_kprobe_multi = {{
    {MINIBPF_FIELD(link_create.kprobe_multi.flags), FieldFormat::flags, "at the functions' return, or at their entry",
     &bpf_kprobe_multi_flags},
    {MINIBPF_FIELD(link_create.kprobe_multi.cnt), FieldFormat::number, "how many functions"},
    {MINIBPF_FIELD(link_create.kprobe_multi.syms), FieldFormat::strings, "their names", nullptr, StraceVersion::v6_1,
     kprobe_multi_count},
    {MINIBPF_FIELD(link_create.kprobe_multi.addrs), FieldFormat::hex_numbers, "or their addresses", nullptr,
     StraceVersion::v6_1, kprobe_multi_count},
    {MINIBPF_FIELD(link_create.kprobe_multi.cookies), FieldFormat::hex_numbers,
     "what bpf_get_attach_cookie() gives in each", nullptr, StraceVersion::v6_1, kprobe_multi_count},
}};
constexpr std::array<AttrField, 2> link_tracing = {{
    {"link_create.tracing.target_btf_id", 16, 4, FieldFormat::number, "another target than at load; 0: the same"},
    {"link_create.tracing.cookie", 24, 8, FieldFormat::hex, "what bpf_get_attach_cookie() gives"},
}};
constexpr std::size_t uprobe_multi_count = 48;
constexpr std::array<AttrField, 7> link_uprobe_multi = {{
    {"link_create.uprobe_multi.path", 16, 8, FieldFormat::path, "the file: a program or a library"},
    {"link_create.uprobe_multi.offsets", 24, 8, FieldFormat::hex_numbers, "the places in it", nullptr,
     StraceVersion::v7_2, uprobe_multi_count},
    {"link_create.uprobe_multi.ref_ctr_offsets", 32, 8, FieldFormat::hex_numbers,
     "where it counts who listens to a USDT probe", nullptr, StraceVersion::v7_2, uprobe_multi_count},
    {"link_create.uprobe_multi.cookies", 40, 8, FieldFormat::hex_numbers, "what bpf_get_attach_cookie() gives in each",
     nullptr, StraceVersion::v7_2, uprobe_multi_count},
    {"link_create.uprobe_multi.cnt", 48, 4, FieldFormat::number, "how many places"},
    {"link_create.uprobe_multi.flags", 52, 4, FieldFormat::flags, "at the functions' return, or at their entry",
     &bpf_uprobe_multi_flags},
    {"link_create.uprobe_multi.pid", 56, 4, FieldFormat::number, "in which process; 0: in all"},
}};
constexpr std::array<AttrField, 4> link_netfilter = {{
    {"link_create.netfilter.pf", 16, 4, FieldFormat::number, "the protocol: 2 is IPv4, 10 is IPv6"},
    {"link_create.netfilter.hooknum", 20, 4, FieldFormat::number, "where on the packets' way"},
    {"link_create.netfilter.priority", 24, 4, FieldFormat::descriptor, "the lowest runs first"},
    {"link_create.netfilter.flags", 28, 4, FieldFormat::flags, "whether fragments are put together first",
     &bpf_netfilter_flags},
}};
constexpr std::string_view relative_meaning = "before or after which other program";
constexpr std::string_view revision_meaning = "0: whatever is attached there now";
constexpr std::array<AttrField, 2> link_tcx = {{
    {"link_create.tcx.relative_fd", 16, 4, FieldFormat::descriptor, relative_meaning},
    {"link_create.tcx.expected_revision", 24, 8, FieldFormat::hex, revision_meaning},
}};
constexpr std::array<AttrField, 2> link_netkit = {{
    {"link_create.netkit.relative_fd", 16, 4, FieldFormat::descriptor, relative_meaning},
    {"link_create.netkit.expected_revision", 24, 8, FieldFormat::hex, revision_meaning},
}};

constexpr std::array<AttrField, 4> link_update = {{
    {MINIBPF_FIELD(link_update.link_fd), FieldFormat::descriptor, "which link"},
    {MINIBPF_FIELD(link_update.new_prog_fd), FieldFormat::descriptor, "the program that it runs from now on"},
    {MINIBPF_FIELD(link_update.flags), FieldFormat::flags, "BPF_F_REPLACE: only in the place of old_prog_fd",
     &bpf_attach_flags},
    {MINIBPF_FIELD(link_update.old_prog_fd), FieldFormat::descriptor, "the program that it runs until now"},
}};
constexpr std::array<AttrField, 1> link_detach = {{
    {MINIBPF_FIELD(link_detach.link_fd), FieldFormat::descriptor, "which link"},
}};
constexpr std::array<AttrField, 2> iter_create = {{
    {MINIBPF_FIELD(iter_create.link_fd), FieldFormat::descriptor, "which iterator's link"},
    {MINIBPF_FIELD(iter_create.flags), FieldFormat::hex, "there are none yet"},
}};
constexpr std::array<AttrField, 2> prog_detach = {{
    {MINIBPF_FIELD(target_fd), FieldFormat::descriptor, "from what"},
    {MINIBPF_FIELD(attach_type), FieldFormat::enumeration, "where in it", &bpf_attach_types},
}};
constexpr std::array<AttrField, 7> prog_attach = {{
    {MINIBPF_FIELD(target_fd), FieldFormat::descriptor,
     "to what: a cgroup, a sockmap, a network namespace; for tcx the number of the network interface"},
    {MINIBPF_FIELD(attach_bpf_fd), FieldFormat::descriptor, "which program"},
    {MINIBPF_FIELD(attach_type), FieldFormat::enumeration, "where in it", &bpf_attach_types},
    {MINIBPF_FIELD(attach_flags), FieldFormat::flags, "whether others stay attached, and in which order",
     &bpf_attach_flags},
    {MINIBPF_FIELD(replace_bpf_fd), FieldFormat::descriptor, "with BPF_F_REPLACE: the program that goes"},
    {"relative_fd", 20, 4, FieldFormat::descriptor, relative_meaning, nullptr, StraceVersion::v7_2},
    {"expected_revision", 24, 8, FieldFormat::number, revision_meaning, nullptr, StraceVersion::v7_2},
}};

constexpr std::array<AttrField, 4> obj_pin = {{
    {MINIBPF_FIELD(pathname), FieldFormat::path, "its name in a bpffs"},
    {MINIBPF_FIELD(bpf_fd), FieldFormat::descriptor, "the map, program or link that gets the name"},
    {MINIBPF_FIELD(file_flags), FieldFormat::flags, "whether it may be read or written only", &bpf_file_flags},
    {"path_fd", 16, 4, FieldFormat::descriptor, "the directory that a relative name starts from", nullptr,
     StraceVersion::v7_2},
}};

constexpr std::array<AttrField, 3> obj_get_info_by_fd = {{
    {MINIBPF_FIELD(info.bpf_fd), FieldFormat::descriptor, "the map, program, BTF or link asked about"},
    {MINIBPF_FIELD(info.info_len), FieldFormat::number, "bytes of room; the kernel writes back how many it filled"},
    {MINIBPF_FIELD(info.info), FieldFormat::address, "where the kernel writes its struct to"},
}};

constexpr std::string_view which_object = "which object: the number that the kernel gave it";
constexpr std::string_view unused = "not used by this command";

// strace 7.2 shows start_id alone at entry, and next_id as the kernel answered it.
constexpr std::array<AttrField, 3> get_next_id = {{
    {MINIBPF_FIELD(start_id), FieldFormat::number, "the lowest id above this one is asked for; 0: the first one"},
    {MINIBPF_FIELD(next_id), FieldFormat::number, "where the kernel writes that id"},
    {MINIBPF_FIELD(open_flags), FieldFormat::flags, unused, &bpf_file_flags},
}};

constexpr std::array<AttrField, 3> prog_get_fd_by_id = {{
    {MINIBPF_FIELD(prog_id), FieldFormat::number, which_object},
    {MINIBPF_FIELD(next_id), FieldFormat::number, unused},
    {MINIBPF_FIELD(open_flags), FieldFormat::flags, unused, &bpf_file_flags},
}};
constexpr std::array<AttrField, 3> map_get_fd_by_id = {{
    {MINIBPF_FIELD(map_id), FieldFormat::number, which_object},
    {MINIBPF_FIELD(next_id), FieldFormat::number, unused},
    {MINIBPF_FIELD(open_flags), FieldFormat::flags, "whether it may be read or written only", &bpf_file_flags},
}};
constexpr std::array<AttrField, 2> map_get_fd_by_id_7_2 = {{map_get_fd_by_id[0], map_get_fd_by_id[2]}};
constexpr std::array<AttrField, 3> btf_get_fd_by_id = {{
    {MINIBPF_FIELD(btf_id), FieldFormat::number, which_object},
    {MINIBPF_FIELD(open_flags), FieldFormat::flags, "whether there is a token", &bpf_file_flags, StraceVersion::v7_2},
    {"fd_by_id_token_fd", 12, 4, FieldFormat::descriptor, "a BPF token that grants the privilege", nullptr,
     StraceVersion::v7_2},
}};
constexpr std::array<AttrField, 1> link_get_fd_by_id = {{
    {MINIBPF_FIELD(link_id), FieldFormat::number, which_object},
}};

constexpr std::array<AttrField, 15> prog_test_run = {{
    {MINIBPF_FIELD(test.prog_fd), FieldFormat::descriptor, "which program is run"},
    {MINIBPF_FIELD(test.retval), FieldFormat::number, "where the kernel writes what it returned"},
    {MINIBPF_FIELD(test.data_size_in), FieldFormat::number, "bytes of the packet"},
    {MINIBPF_FIELD(test.data_size_out), FieldFormat::number, "bytes there are for the packet that comes out"},
    {MINIBPF_FIELD(test.data_in), FieldFormat::address, "where the packet lies; NULL: this type of program takes none"},
    {MINIBPF_FIELD(test.data_out), FieldFormat::address, "where the kernel copies the packet that comes out to"},
    {MINIBPF_FIELD(test.repeat), FieldFormat::number, "how often; 0 is once"},
    {MINIBPF_FIELD(test.duration), FieldFormat::number, "where the kernel writes how long one run took, nanoseconds"},
    {MINIBPF_FIELD(test.ctx_size_in), FieldFormat::number, "bytes of the context"},
    {MINIBPF_FIELD(test.ctx_size_out), FieldFormat::number, "bytes there are for the context afterwards"},
    {MINIBPF_FIELD(test.ctx_in), FieldFormat::address, "where the context lies; NULL: the kernel makes one up"},
    {MINIBPF_FIELD(test.ctx_out), FieldFormat::address, "where the kernel copies the context to afterwards"},
    {MINIBPF_FIELD(test.flags), FieldFormat::flags, "on which CPU, or with packets that really go on",
     &bpf_test_run_flags},
    {MINIBPF_FIELD(test.cpu), FieldFormat::number, "that CPU"},
    {MINIBPF_FIELD(test.batch_size), FieldFormat::number, "how many packets at a time"},
}};
constexpr std::array<AttrField, 1> enable_stats = {{
    {MINIBPF_FIELD(enable_stats.type), FieldFormat::enumeration, "what is counted", &bpf_stats_types},
}};

#undef MINIBPF_FIELD

AttrLayout link_layout(const EncodedBpf& call, StraceVersion version) {
    switch (call.attr.link_create.attach_type) {
        case BPF_CGROUP_INET_INGRESS: return {link_create, link_cgroup, 20, 20};
        case BPF_PERF_EVENT: return {link_create, link_perf_event, 24, 24};
        case BPF_TRACE_ITER: return {link_create, link_iter, 28, 28};
        case BPF_TRACE_KPROBE_MULTI: return {link_create, link_kprobe_multi, 48, 48};
        default: break;
    }
    // enum bpf_attach_type, since Linux 6.4 to 6.7
    constexpr std::uint32_t netfilter = 45, tcx_ingress = 46, tcx_egress = 47, uprobe_multi = 48, netkit_primary = 54,
                            netkit_peer = 55;
    const std::uint32_t type = call.attr.link_create.attach_type;
    if (version >= StraceVersion::v7_2) {
        const bool is_tracing =
            type == BPF_TRACE_FENTRY || type == BPF_TRACE_FEXIT || type == BPF_MODIFY_RETURN || type == BPF_LSM_MAC;
        if (is_tracing) return {link_create, link_tracing, 32, 32};
        if (type == tcx_ingress || type == tcx_egress) return {link_create, link_tcx, 32, 32};
        if (type == netkit_primary || type == netkit_peer) return {link_create, link_netkit, 32, 32};
        if (type == netfilter) return {link_create, link_netfilter, 32, 32};
        if (type == uprobe_multi) return {link_create, link_uprobe_multi, 60, 60};
    }
    return {link_create, {}, 16, 16};
}

}  // namespace

AttrLayout layout_of(const EncodedBpf& call, StraceVersion version) {
    const bool is_7_2 = version >= StraceVersion::v7_2;
    switch (call.cmd) {
        case BPF_MAP_CREATE: return {map_create, {}, 72, 92};
        case BPF_MAP_LOOKUP_ELEM: return {map_lookup_elem, {}, 32, 32};
        case BPF_MAP_UPDATE_ELEM: return {map_update_elem, {}, 32, 32};
        case BPF_MAP_DELETE_ELEM: return {map_delete_elem, {}, 16, 16};
        case BPF_MAP_GET_NEXT_KEY: return {map_get_next_key, {}, 24, 24};
        case BPF_MAP_FREEZE: return {map_freeze, {}, 4, 4};
        case BPF_PROG_LOAD: return {prog_load, {}, 128, 168};
        case BPF_BTF_LOAD: return {btf_load, {}, 28, 40};
        case BPF_RAW_TRACEPOINT_OPEN: return {raw_tracepoint_open, {}, 16, 24};
        case BPF_LINK_CREATE: return link_layout(call, version);
        case BPF_LINK_UPDATE: return {link_update, {}, 16, 16};
        case BPF_LINK_DETACH: return {link_detach, {}, 4, 4};
        case BPF_ITER_CREATE: return {iter_create, {}, 8, 8};
        case BPF_PROG_ATTACH: return {prog_attach, {}, 20, 32};
        case BPF_PROG_DETACH:
            return {is_7_2 ? FieldTable(prog_attach) : FieldTable(prog_detach), {}, is_7_2 ? 32u : 20u, 32};
        case BPF_PROG_TEST_RUN: return {prog_test_run, {}, 76, 76};
        case BPF_ENABLE_STATS: return {enable_stats, {}, 4, 4};
        case BPF_OBJ_PIN:
        case BPF_OBJ_GET: return {obj_pin, {}, 16, 20};
        case BPF_OBJ_GET_INFO_BY_FD: return {obj_get_info_by_fd, {}, 16, 16};
        case BPF_PROG_GET_NEXT_ID:
        case BPF_MAP_GET_NEXT_ID:
        case BPF_BTF_GET_NEXT_ID:
        case BPF_LINK_GET_NEXT_ID: return {FieldTable(get_next_id).first(is_7_2 ? 1 : 3), {}, 12, 8};
        case BPF_PROG_GET_FD_BY_ID: return {FieldTable(prog_get_fd_by_id).first(is_7_2 ? 1 : 3), {}, 12, 4};
        case BPF_MAP_GET_FD_BY_ID:
            return {is_7_2 ? FieldTable(map_get_fd_by_id_7_2) : FieldTable(map_get_fd_by_id), {}, 12, 12};
        case BPF_BTF_GET_FD_BY_ID: return {btf_get_fd_by_id, {}, 4, 16};
        case BPF_LINK_GET_FD_BY_ID: return {link_get_fd_by_id, {}, 4, 4};
        default: return {};
    }
}

}  // namespace minibpf
