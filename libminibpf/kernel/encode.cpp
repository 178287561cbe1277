// Fills `union bpf_attr` and `struct perf_event_attr`: one function per command, in the order of the union
// (include/uapi/linux/bpf.h). Every attr starts as zeros, for the kernel refuses bytes that it does not expect.
#include <libminibpf/kernel/encode.hpp>

#include <algorithm>
#include <cstring>

namespace minibpf {

namespace {

// The end of the last field that a command uses, as the kernel's CMD_LAST_FIELD macros have it.
#define MINIBPF_END_OF(field) \
    static_cast<std::uint32_t>(offsetof(union bpf_attr, field) + sizeof(static_cast<union bpf_attr*>(nullptr)->field))

// The size that the members of `element`, `raw_tracepoint`, ... need together with their tail padding.
constexpr std::uint32_t elem_size = 32;
constexpr std::uint32_t raw_tracepoint_size = 16;
constexpr std::uint32_t link_create_size = 48;
constexpr std::uint32_t uprobe_multi_size = 64;
constexpr std::uint32_t prog_attach_size = 20;
constexpr std::uint32_t prog_attach_ordered_size = 32;
constexpr std::uint32_t obj_size = 16;
constexpr std::uint32_t id_size = 12;         // start_id or an id, next_id, open_flags
constexpr std::uint32_t test_data_size = 40;  // up to the duration
constexpr std::uint32_t test_ctx_size = 64;
constexpr std::uint32_t prog_load_size = 128;
constexpr std::uint32_t book_size = 128;

// What older headers have no names for. Behind map_extra since Linux 6.9:
constexpr std::size_t value_type_btf_obj_fd_offset = 72;
// Behind prog_fd and a gap, since 6.10:
constexpr std::size_t raw_tracepoint_cookie_offset = 16;
// In link_create's union, since 6.4 to 6.7:
constexpr std::size_t link_details_offset = 16;
// Behind replace_bpf_fd, since 6.6:
constexpr std::size_t attach_relative_offset = 20, attach_revision_offset = 24;

template <class Pointer>
std::uint64_t address(Pointer pointer) noexcept {
    return reinterpret_cast<std::uintptr_t>(pointer);
}

// BPF_OBJ_NAME_LEN includes the NUL: 15 characters at most.
void copy_name(char (&to)[BPF_OBJ_NAME_LEN], const std::string& name) noexcept {
    std::memcpy(to, name.data(), std::min<std::size_t>(name.size(), BPF_OBJ_NAME_LEN - 1));
}

EncodedBpf blank(bpf_cmd cmd, std::uint32_t size) noexcept {
    EncodedBpf encoded;
    std::memset(&encoded.attr, 0, sizeof(encoded.attr));
    encoded.cmd = cmd;
    encoded.size = size;
    return encoded;
}

// A field that this header may not have.
template <class T>
void store(EncodedBpf& encoded, std::size_t offset, const T& value) noexcept {
    std::memcpy(reinterpret_cast<std::byte*>(&encoded.attr) + offset, &value, sizeof value);
}

EncodedBpf to_attr(const MapCreate& call) {
    EncodedBpf encoded = blank(BPF_MAP_CREATE, MINIBPF_END_OF(map_extra));
    auto& attr = encoded.attr;
    attr.map_type = call.type;
    attr.key_size = call.key_size;
    attr.value_size = call.value_size;
    attr.max_entries = call.max_entries;
    attr.map_flags = call.map_flags;
    attr.inner_map_fd = call.inner_map_fd;
    attr.numa_node = call.numa_node;
    copy_name(attr.map_name, call.name);
    attr.map_ifindex = call.map_ifindex;
    attr.btf_fd = call.btf_fd;
    attr.btf_key_type_id = call.btf_key_type_id;
    attr.btf_value_type_id = call.btf_value_type_id;
    attr.btf_vmlinux_value_type_id = call.btf_vmlinux_value_type_id;
    attr.map_extra = call.map_extra;
    // Passed only when it says something: an older kernel takes no longer attr than it knows.
    if (call.value_type_btf_obj_fd != 0) {
        store(encoded, value_type_btf_obj_fd_offset, call.value_type_btf_obj_fd);
        encoded.size = value_type_btf_obj_fd_offset + sizeof(call.value_type_btf_obj_fd);
    }
    return encoded;
}

EncodedBpf to_attr(const MapLookupElem& call) {
    EncodedBpf encoded = blank(BPF_MAP_LOOKUP_ELEM, elem_size);
    encoded.attr.map_fd = static_cast<std::uint32_t>(call.map_fd);
    encoded.attr.key = address(call.key.data());
    encoded.attr.value = address(call.value.data());
    encoded.attr.flags = call.flags;
    return encoded;
}

EncodedBpf to_attr(const MapUpdateElem& call) {
    EncodedBpf encoded = blank(BPF_MAP_UPDATE_ELEM, elem_size);
    encoded.attr.map_fd = static_cast<std::uint32_t>(call.map_fd);
    encoded.attr.key = address(call.key.data());
    encoded.attr.value = address(call.value.data());
    encoded.attr.flags = call.flags;
    return encoded;
}

EncodedBpf to_attr(const MapDeleteElem& call) {
    EncodedBpf encoded = blank(BPF_MAP_DELETE_ELEM, MINIBPF_END_OF(key));
    encoded.attr.map_fd = static_cast<std::uint32_t>(call.map_fd);
    encoded.attr.key = address(call.key.data());
    return encoded;
}

EncodedBpf to_attr(const MapGetNextKey& call) {
    EncodedBpf encoded = blank(BPF_MAP_GET_NEXT_KEY, MINIBPF_END_OF(next_key));
    encoded.attr.map_fd = static_cast<std::uint32_t>(call.map_fd);
    encoded.attr.key = call.key.empty() ? 0 : address(call.key.data());
    encoded.attr.next_key = address(call.next_key.data());
    return encoded;
}

EncodedBpf to_attr(const MapFreeze& call) {
    EncodedBpf encoded = blank(BPF_MAP_FREEZE, MINIBPF_END_OF(map_fd));
    encoded.attr.map_fd = static_cast<std::uint32_t>(call.map_fd);
    return encoded;
}

EncodedBpf to_attr(const ProgLoad& call) {
    EncodedBpf encoded = blank(BPF_PROG_LOAD, prog_load_size);
    auto& attr = encoded.attr;
    attr.prog_type = call.type;
    attr.insn_cnt = static_cast<std::uint32_t>(call.insns.size());
    attr.insns = address(call.insns.data());
    attr.license = address(call.license.c_str());
    attr.log_level = call.log_level;
    attr.log_size = static_cast<std::uint32_t>(call.log.size());
    attr.log_buf = address(call.log.data());
    attr.kern_version = call.kern_version;
    attr.prog_flags = call.prog_flags;
    copy_name(attr.prog_name, call.name);
    attr.prog_ifindex = call.prog_ifindex;
    attr.expected_attach_type = call.expected_attach_type;
    attr.prog_btf_fd = call.prog_btf_fd;
    attr.func_info_rec_size = call.func_info_rec_size;
    attr.func_info = address(call.func_info.data());
    attr.func_info_cnt =
        call.func_info_rec_size == 0 ? 0 : static_cast<std::uint32_t>(call.func_info.size() / call.func_info_rec_size);
    attr.line_info_rec_size = call.line_info_rec_size;
    attr.line_info = address(call.line_info.data());
    attr.line_info_cnt =
        call.line_info_rec_size == 0 ? 0 : static_cast<std::uint32_t>(call.line_info.size() / call.line_info_rec_size);
    attr.attach_btf_id = call.attach_btf_id;
    attr.attach_prog_fd = call.attach_prog_fd;
    attr.fd_array = call.fd_array.empty() ? 0 : address(call.fd_array.data());
    return encoded;
}

EncodedBpf to_attr(const BtfLoad& call) {
    EncodedBpf encoded = blank(BPF_BTF_LOAD, MINIBPF_END_OF(btf_log_level));
    encoded.attr.btf = address(call.btf.data());
    encoded.attr.btf_size = static_cast<std::uint32_t>(call.btf.size());
    encoded.attr.btf_log_buf = address(call.log.data());
    encoded.attr.btf_log_size = static_cast<std::uint32_t>(call.log.size());
    encoded.attr.btf_log_level = call.log_level;
    return encoded;
}

EncodedBpf to_attr(const RawTracepointOpen& call) {
    EncodedBpf encoded = blank(BPF_RAW_TRACEPOINT_OPEN, raw_tracepoint_size);
    encoded.attr.raw_tracepoint.name = call.name.empty() ? 0 : address(call.name.c_str());
    encoded.attr.raw_tracepoint.prog_fd = static_cast<std::uint32_t>(call.prog_fd);
    // An older kernel takes no longer attr than it knows.
    if (call.cookie != 0) {
        store(encoded, raw_tracepoint_cookie_offset, call.cookie);
        encoded.size = raw_tracepoint_cookie_offset + sizeof call.cookie;
    }
    return encoded;
}

template <class T>
std::uint64_t address_or_null(const std::vector<T>& elements) noexcept {
    return elements.empty() ? 0 : address(elements.data());
}

// One for each member of link_create's union.
struct LinkDetailsEncoder {
    EncodedBpf& encoded;

    void operator()(const std::monostate&) const {}
    void operator()(const PerfEventLink& link) const {
        encoded.attr.link_create.perf_event.bpf_cookie = link.bpf_cookie;
    }
    void operator()(const KprobeMultiLink& link) const {
        auto& multi = encoded.attr.link_create.kprobe_multi;
        multi.flags = link.flags;
        multi.cnt = static_cast<std::uint32_t>(std::max(link.syms.size(), link.addrs.size()));
        multi.syms = address_or_null(link.syms);
        multi.addrs = address_or_null(link.addrs);
        multi.cookies = address_or_null(link.cookies);
    }
    void operator()(const UprobeMultiLink& link) const {
        const std::uint64_t pointers[] = {address(link.path.c_str()), address_or_null(link.offsets),
                                          address_or_null(link.ref_ctr_offsets), address_or_null(link.cookies)};
        const std::uint32_t numbers[] = {static_cast<std::uint32_t>(link.offsets.size()), link.flags, link.pid};
        store(encoded, link_details_offset, pointers);
        store(encoded, link_details_offset + sizeof pointers, numbers);
        encoded.size = uprobe_multi_size;
    }
    void operator()(const TracingLink& link) const {
        store(encoded, link_details_offset, link.target_btf_id);
        store(encoded, link_details_offset + 8, link.cookie);
    }
    void operator()(const IterLink& link) const {
        encoded.attr.link_create.iter_info = link.info_len == 0 ? 0 : address(link.info.data());
        encoded.attr.link_create.iter_info_len = link.info_len;
    }
    void operator()(const NetfilterLink& link) const {
        const std::uint32_t fields[] = {link.pf, link.hooknum, static_cast<std::uint32_t>(link.priority), link.flags};
        store(encoded, link_details_offset, fields);
    }
    void operator()(const OrderedLink& link) const {
        store(encoded, link_details_offset, link.relative_fd);
        store(encoded, link_details_offset + 8, link.expected_revision);
    }
};

EncodedBpf to_attr(const LinkCreate& call) {
    EncodedBpf encoded = blank(BPF_LINK_CREATE, link_create_size);
    encoded.attr.link_create.prog_fd = static_cast<std::uint32_t>(call.prog_fd);
    encoded.attr.link_create.target_fd = static_cast<std::uint32_t>(call.target_fd);
    encoded.attr.link_create.attach_type = call.attach_type;
    encoded.attr.link_create.flags = call.flags;
    std::visit(LinkDetailsEncoder{encoded}, call.details);
    return encoded;
}

EncodedBpf to_attr(const LinkUpdate& call) {
    EncodedBpf encoded = blank(BPF_LINK_UPDATE, MINIBPF_END_OF(link_update.old_prog_fd));
    encoded.attr.link_update.link_fd = static_cast<std::uint32_t>(call.link_fd);
    encoded.attr.link_update.new_prog_fd = static_cast<std::uint32_t>(call.new_prog_fd);
    encoded.attr.link_update.flags = call.flags;
    encoded.attr.link_update.old_prog_fd = static_cast<std::uint32_t>(call.old_prog_fd);
    return encoded;
}

EncodedBpf to_attr(const LinkDetach& call) {
    EncodedBpf encoded = blank(BPF_LINK_DETACH, MINIBPF_END_OF(link_detach.link_fd));
    encoded.attr.link_detach.link_fd = static_cast<std::uint32_t>(call.link_fd);
    return encoded;
}

EncodedBpf to_attr(const IterCreate& call) {
    EncodedBpf encoded = blank(BPF_ITER_CREATE, MINIBPF_END_OF(iter_create.flags));
    encoded.attr.iter_create.link_fd = static_cast<std::uint32_t>(call.link_fd);
    encoded.attr.iter_create.flags = call.flags;
    return encoded;
}

EncodedBpf to_attr(const ProgAttach& call) {
    EncodedBpf encoded = blank(BPF_PROG_ATTACH, prog_attach_size);
    encoded.attr.target_fd = static_cast<std::uint32_t>(call.target_fd);
    encoded.attr.attach_bpf_fd = static_cast<std::uint32_t>(call.attach_bpf_fd);
    encoded.attr.attach_type = call.attach_type;
    encoded.attr.attach_flags = call.attach_flags;
    encoded.attr.replace_bpf_fd = static_cast<std::uint32_t>(call.replace_bpf_fd);
    if (call.order.relative_fd != 0 || call.order.expected_revision != 0) {
        store(encoded, attach_relative_offset, call.order.relative_fd);
        store(encoded, attach_revision_offset, call.order.expected_revision);
        encoded.size = prog_attach_ordered_size;
    }
    return encoded;
}

EncodedBpf to_attr(const ProgDetach& call) {
    EncodedBpf encoded = blank(BPF_PROG_DETACH, prog_attach_size);
    encoded.attr.target_fd = static_cast<std::uint32_t>(call.target_fd);
    encoded.attr.attach_bpf_fd = static_cast<std::uint32_t>(call.attach_bpf_fd);
    encoded.attr.attach_type = call.attach_type;
    return encoded;
}

EncodedBpf to_attr(const ObjPin& call) {
    EncodedBpf encoded = blank(BPF_OBJ_PIN, obj_size);
    encoded.attr.pathname = address(call.pathname.c_str());
    encoded.attr.bpf_fd = static_cast<std::uint32_t>(call.bpf_fd);
    return encoded;
}

EncodedBpf to_attr(const ObjGet& call) {
    EncodedBpf encoded = blank(BPF_OBJ_GET, obj_size);
    encoded.attr.pathname = address(call.pathname.c_str());
    return encoded;
}

EncodedBpf to_attr(const ProgTestRun& call) {
    const bool has_context = !call.ctx.empty() || !call.ctx_out.empty();
    const bool has_flags = call.flags != 0 || call.batch_size != 0;
    EncodedBpf encoded = blank(BPF_PROG_TEST_RUN, has_flags     ? MINIBPF_END_OF(test.batch_size)
                                                  : has_context ? test_ctx_size
                                                                : test_data_size);
    auto& test = encoded.attr.test;
    test.prog_fd = static_cast<std::uint32_t>(call.prog_fd);
    test.data_size_in = static_cast<std::uint32_t>(call.data.size());
    test.data_size_out = static_cast<std::uint32_t>(call.data_out.size());
    test.data_in = address(call.data.data());
    test.data_out = address(call.data_out.data());
    test.repeat = call.repeat;
    test.ctx_size_in = static_cast<std::uint32_t>(call.ctx.size());
    test.ctx_size_out = static_cast<std::uint32_t>(call.ctx_out.size());
    test.ctx_in = address(call.ctx.data());
    test.ctx_out = address(call.ctx_out.data());
    test.flags = call.flags;
    test.cpu = call.cpu;
    test.batch_size = call.batch_size;
    return encoded;
}

EncodedBpf to_attr(const EnableStats& call) {
    EncodedBpf encoded = blank(BPF_ENABLE_STATS, MINIBPF_END_OF(enable_stats.type));
    encoded.attr.enable_stats.type = call.type;
    return encoded;
}

EncodedBpf to_attr(const ObjGetInfoByFd& call) {
    EncodedBpf encoded = blank(BPF_OBJ_GET_INFO_BY_FD, obj_size);
    encoded.attr.info.bpf_fd = static_cast<std::uint32_t>(call.bpf_fd);
    encoded.attr.info.info_len = static_cast<std::uint32_t>(call.info.size());
    encoded.attr.info.info = address(call.info.data());
    return encoded;
}

bpf_cmd next_id_cmd(IdKind kind) noexcept {
    switch (kind) {
        case IdKind::prog: return BPF_PROG_GET_NEXT_ID;
        case IdKind::map: return BPF_MAP_GET_NEXT_ID;
        case IdKind::btf: return BPF_BTF_GET_NEXT_ID;
        case IdKind::link: break;
    }
    return BPF_LINK_GET_NEXT_ID;
}

EncodedBpf to_attr(const GetNextId& call) {
    EncodedBpf encoded = blank(next_id_cmd(call.kind), id_size);
    encoded.attr.start_id = call.start_id;
    return encoded;
}

bpf_cmd fd_by_id_cmd(IdKind kind) noexcept {
    switch (kind) {
        case IdKind::prog: return BPF_PROG_GET_FD_BY_ID;
        case IdKind::map: return BPF_MAP_GET_FD_BY_ID;
        case IdKind::btf: return BPF_BTF_GET_FD_BY_ID;
        case IdKind::link: break;
    }
    return BPF_LINK_GET_FD_BY_ID;
}

// prog_id, map_id, btf_id and link_id are names of one place, start_id's.
EncodedBpf to_attr(const GetFdById& call) {
    const bool has_open_flags = call.kind == IdKind::prog || call.kind == IdKind::map;
    EncodedBpf encoded = blank(fd_by_id_cmd(call.kind), has_open_flags ? id_size : MINIBPF_END_OF(btf_id));
    encoded.attr.prog_id = call.id;
    return encoded;
}

#undef MINIBPF_END_OF

}  // namespace

std::optional<EncodedBpf> encode_bpf(const Syscall& call, AttrSize attr_size) {
    return std::visit(
        [&](const auto& request) -> std::optional<EncodedBpf> {
            if constexpr (requires { to_attr(request); }) {
                EncodedBpf encoded = to_attr(request);
                if (attr_size == AttrSize::book) encoded.size = std::max(encoded.size, book_size);
                return encoded;
            } else {
                return std::nullopt;
            }
        },
        call);
}

perf_event_attr encode(const PerfEventOpen& call) {
    perf_event_attr attr;
    std::memset(&attr, 0, sizeof(attr));
    attr.type = call.type;
    attr.size = PERF_ATTR_SIZE_VER7;
    attr.config = call.config;
    attr.sample_period = call.sample_period;
    if (call.sample_freq != 0) {
        attr.freq = 1;
        attr.sample_freq = call.sample_freq;  // the other name of sample_period
    }
    attr.sample_type = call.sample_type;
    attr.wakeup_events = call.wakeup_events;
    // The kprobe PMU reads the function's name through config1 and the offset in it from config2; their other names in
    // the unions are kprobe_func and probe_offset. For the uprobe PMU it is a file's path, uprobe_path
    // (kernel/events/core.c, perf_kprobe_event_init() and perf_uprobe_event_init()).
    attr.config1 = call.kprobe_func.empty() ? 0 : address(call.kprobe_func.c_str());
    attr.config2 = call.probe_offset;
    return attr;
}

}  // namespace minibpf
