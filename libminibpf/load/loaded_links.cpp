// What the kernel says of a link: `struct bpf_link_info` begins with the same fields for all, and ends in a union that
// the type of the link chooses from. The union has grown with each kernel (include/uapi/linux/bpf.h), so it is read by
// offsets.
//
//     0 type   4 id   8 prog_id   16 the union
//
// Names of tracepoints, functions and files are written to memory whose address and length the caller puts into the
// union, at a place that the type decides; so the kernel is asked once to know the type, and once more for the name.
#include <libminibpf/load/loaded.hpp>

#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>

#include <libminibpf/kernel/kernel_error.hpp>
#include <libminibpf/load/kernel_types.hpp>

namespace minibpf {

namespace {

// enum bpf_link_type
enum LinkType : std::uint32_t {
    link_raw_tracepoint = 1,
    link_tracing,
    link_cgroup,
    link_iter,
    link_netns,
    link_xdp,
    link_perf_event,
    link_kprobe_multi,
    link_struct_ops,
    link_netfilter,
    link_tcx,
    link_uprobe_multi,
    link_netkit,
    link_sockmap,
};
constexpr std::array<std::string_view, 15> link_type_names = {
    "unspec",       "raw_tracepoint", "tracing",   "cgroup", "iter",         "netns",  "xdp",    "perf_event",
    "kprobe_multi", "struct_ops",     "netfilter", "tcx",    "uprobe_multi", "netkit", "sockmap"};

// enum bpf_attach_type, as the kernel's messages have them without BPF_.
constexpr std::array<std::string_view, 59> attach_type_names = {"cgroup_inet_ingress",
                                                                "cgroup_inet_egress",
                                                                "cgroup_inet_sock_create",
                                                                "cgroup_sock_ops",
                                                                "sk_skb_stream_parser",
                                                                "sk_skb_stream_verdict",
                                                                "cgroup_device",
                                                                "sk_msg_verdict",
                                                                "cgroup_inet4_bind",
                                                                "cgroup_inet6_bind",
                                                                "cgroup_inet4_connect",
                                                                "cgroup_inet6_connect",
                                                                "cgroup_inet4_post_bind",
                                                                "cgroup_inet6_post_bind",
                                                                "cgroup_udp4_sendmsg",
                                                                "cgroup_udp6_sendmsg",
                                                                "lirc_mode2",
                                                                "flow_dissector",
                                                                "cgroup_sysctl",
                                                                "cgroup_udp4_recvmsg",
                                                                "cgroup_udp6_recvmsg",
                                                                "cgroup_getsockopt",
                                                                "cgroup_setsockopt",
                                                                "trace_raw_tp",
                                                                "trace_fentry",
                                                                "trace_fexit",
                                                                "modify_return",
                                                                "lsm_mac",
                                                                "trace_iter",
                                                                "cgroup_inet4_getpeername",
                                                                "cgroup_inet6_getpeername",
                                                                "cgroup_inet4_getsockname",
                                                                "cgroup_inet6_getsockname",
                                                                "xdp_devmap",
                                                                "cgroup_inet_sock_release",
                                                                "xdp_cpumap",
                                                                "sk_lookup",
                                                                "xdp",
                                                                "sk_skb_verdict",
                                                                "sk_reuseport_select",
                                                                "sk_reuseport_select_or_migrate",
                                                                "perf_event",
                                                                "trace_kprobe_multi",
                                                                "lsm_cgroup",
                                                                "struct_ops",
                                                                "netfilter",
                                                                "tcx_ingress",
                                                                "tcx_egress",
                                                                "trace_uprobe_multi",
                                                                "cgroup_unix_connect",
                                                                "cgroup_unix_sendmsg",
                                                                "cgroup_unix_recvmsg",
                                                                "cgroup_unix_getpeername",
                                                                "cgroup_unix_getsockname",
                                                                "netkit_primary",
                                                                "netkit_peer",
                                                                "trace_kprobe_session",
                                                                "trace_uprobe_session",
                                                                "trace_fsession"};

template <std::size_t N>
std::string numbered_name(const std::array<std::string_view, N>& names, std::uint32_t number) {
    return number < N ? std::string(names[number]) : fmt::format("{}", number);
}

/// The bytes of a bpf_link_info, larger than any kernel's, and room for one name.
struct LinkInfoBytes {
    alignas(8) std::array<std::byte, 128> bytes{};
    std::array<char, 256> name{};

    template <class T>
    T at(std::size_t offset) const {
        return read_at<T>(ByteView(bytes), offset).value_or(T{});
    }
    std::uint32_t u32(std::size_t offset) const { return at<std::uint32_t>(offset); }
    template <class T>
    void put(std::size_t offset, T value) {
        std::memcpy(bytes.data() + offset, &value, sizeof value);
    }
    std::string name_text() const { return std::string(name.data(), strnlen(name.data(), name.size())); }
};

void ask_about_link(KernelGate& gate, int link_fd, LinkInfoBytes& info) {
    const ObjGetInfoByFd call{.bpf_fd = link_fd, .info = info.bytes};
    const Answer answer = gate.enter(call);
    if (!answer.ok()) throw kernel_error("asking what is known about a link", call, answer);
}

// enum bpf_perf_event_type, Linux 6.6
enum PerfEventType : std::uint32_t {
    perf_uprobe = 1,
    perf_uretprobe,
    perf_kprobe,
    perf_kretprobe,
    perf_tracepoint,
    perf_other
};

/// Where in the info the address of a name lies, and its length; zeros for a link that has none.
struct NamePlace {
    std::size_t address = 0, length = 0;
};
NamePlace name_place(const LinkInfoBytes& info) {
    switch (info.u32(0)) {
        case link_raw_tracepoint:
        case link_iter: return {16, 24};
        case link_perf_event:
            return info.u32(16) >= perf_uprobe && info.u32(16) <= perf_tracepoint ? NamePlace{24, 32} : NamePlace{};
        case link_uprobe_multi: return {16, 48};
        default: return {};
    }
}

std::string perf_event_text(const LinkInfoBytes& info) {
    const std::string name = info.name_text();
    const std::uint32_t offset = info.u32(36);
    switch (info.u32(16)) {
        case perf_uprobe: return fmt::format("uprobe {}+{:#x}", name, offset);
        case perf_uretprobe: return fmt::format("uretprobe {}+{:#x}", name, offset);
        case perf_kprobe: return fmt::format("kprobe {}{}", name, offset == 0 ? "" : fmt::format("+{:#x}", offset));
        case perf_kretprobe: return fmt::format("kretprobe {}", name);
        case perf_tracepoint: return fmt::format("tracepoint {}", name);
        case perf_other: return fmt::format("event {}:{}", info.u32(32), info.at<std::uint64_t>(24));
        default: return {};  // before Linux 6.6
    }
}

// The function's name, if it is the kernel's; looking for it must not spoil the rest.
std::string tracing_text(KernelGate& gate, const LinkInfoBytes& info) {
    const std::string kind = numbered_name(attach_type_names, info.u32(16));
    const std::uint32_t object = info.u32(20), type = info.u32(24);
    if (type == 0) return kind;
    // Programs that take a function's place have no attach type: their 0 is not the cgroup hook of that number.
    if (info.u32(16) == 0) return fmt::format("freplace type {} of program {}", type, object);
    try {
        const Fd fd = open_by_id(gate, IdKind::btf, object);
        if (btf_facts(gate, fd.get()).name == "vmlinux") {
            KernelTypes types(gate, "");
            std::string_view name = types.vmlinux().name(type);
            if (name.starts_with("btf_trace_")) name.remove_prefix(std::strlen("btf_trace_"));
            return fmt::format("{} {}", kind, name);
        }
    } catch (const Error&) {
    }
    return fmt::format("{} type {} of BTF or program {}", kind, type, object);
}

std::string target_text(KernelGate& gate, const LinkInfoBytes& info) {
    switch (info.u32(0)) {
        case link_raw_tracepoint:
        case link_iter: return info.name_text();
        case link_tracing: return tracing_text(gate, info);
        case link_cgroup:
            return fmt::format("cgroup {} {}", info.at<std::uint64_t>(16),
                               numbered_name(attach_type_names, info.u32(24)));
        case link_netns:
            return fmt::format("netns {} {}", info.u32(16), numbered_name(attach_type_names, info.u32(20)));
        case link_xdp: return fmt::format("interface {}", info.u32(16));
        case link_perf_event: return perf_event_text(info);
        case link_kprobe_multi: return fmt::format("{} function{}", info.u32(24), info.u32(24) == 1 ? "" : "s");
        case link_struct_ops: return fmt::format("map {}", info.u32(16));
        case link_netfilter:
            return fmt::format("protocol {} hook {} priority {}", info.u32(16), info.u32(20),
                               info.at<std::int32_t>(24));
        case link_tcx:
        case link_netkit:
            return fmt::format("interface {} {}", info.u32(16), numbered_name(attach_type_names, info.u32(20)));
        case link_uprobe_multi: return fmt::format("{} places in {}", info.u32(52), info.name_text());
        case link_sockmap:
            return fmt::format("map {} {}", info.u32(16), numbered_name(attach_type_names, info.u32(20)));
        default: return {};
    }
}

}  // namespace

LinkFacts link_facts(KernelGate& gate, int link_fd) {
    LinkInfoBytes info;
    ask_about_link(gate, link_fd, info);
    const NamePlace place = name_place(info);
    if (place.address != 0) {
        info.bytes.fill(std::byte{0});
        info.put(place.address, std::uint64_t{reinterpret_cast<std::uintptr_t>(info.name.data())});
        info.put(place.length, static_cast<std::uint32_t>(info.name.size()));
        ask_about_link(gate, link_fd, info);
    }
    return {.id = info.u32(4),
            .type = info.u32(0),
            .type_name = numbered_name(link_type_names, info.u32(0)),
            .prog_id = info.u32(8),
            .target = target_text(gate, info)};
}

}  // namespace minibpf
