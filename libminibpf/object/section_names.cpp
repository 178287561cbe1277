// The one SEC() table. A row says which program type the kernel is told, which expected_attach_type, whether the
// program may sleep (BPF_F_SLEEPABLE), and how minibpf attaches it. The facts are libbpf's (section_defs in libbpf.c),
// whose names have become the convention of all BPF C. Several rows of one hook: the first is how minibpf writes the
// hook itself.
#include <libminibpf/object/section_names.hpp>

#include <array>

#include <libminibpf/object/uapi.hpp>

namespace minibpf {

namespace {

using enum HookKind;

constexpr bool sleepable = true;
constexpr bool frags = true;

// clang-format off
constexpr SectionName table[] = {
    // spelling              hook                     program type                           expected attach type             target syntax
    {"kprobe",               kprobe,                  BPF_PROG_TYPE_KPROBE,                  0,                               TargetSyntax::function},
    {"kretprobe",            kretprobe,               BPF_PROG_TYPE_KPROBE,                  0,                               TargetSyntax::function},
    {"ksyscall",             ksyscall,                BPF_PROG_TYPE_KPROBE,                  0,                               TargetSyntax::name},
    {"kretsyscall",          kretsyscall,             BPF_PROG_TYPE_KPROBE,                  0,                               TargetSyntax::name},
    {"kprobe.multi",         kprobe_multi,            BPF_PROG_TYPE_KPROBE,                  BPF_TRACE_KPROBE_MULTI,          TargetSyntax::name},
    {"kretprobe.multi",      kretprobe_multi,         BPF_PROG_TYPE_KPROBE,                  BPF_TRACE_KPROBE_MULTI,          TargetSyntax::name},
    {"kprobe.session",       kprobe_session,          BPF_PROG_TYPE_KPROBE,                  uapi::BPF_TRACE_KPROBE_SESSION,  TargetSyntax::name},
    {"uprobe",               uprobe,                  BPF_PROG_TYPE_KPROBE,                  0,                               TargetSyntax::function},
    {"uprobe.s",             uprobe,                  BPF_PROG_TYPE_KPROBE,                  0,                               TargetSyntax::function, sleepable},
    {"uretprobe",            uretprobe,               BPF_PROG_TYPE_KPROBE,                  0,                               TargetSyntax::function},
    {"uretprobe.s",          uretprobe,               BPF_PROG_TYPE_KPROBE,                  0,                               TargetSyntax::function, sleepable},
    {"uprobe.multi",         uprobe_multi,            BPF_PROG_TYPE_KPROBE,                  uapi::BPF_TRACE_UPROBE_MULTI,    TargetSyntax::name},
    {"uprobe.multi.s",       uprobe_multi,            BPF_PROG_TYPE_KPROBE,                  uapi::BPF_TRACE_UPROBE_MULTI,    TargetSyntax::name, sleepable},
    {"uretprobe.multi",      uretprobe_multi,         BPF_PROG_TYPE_KPROBE,                  uapi::BPF_TRACE_UPROBE_MULTI,    TargetSyntax::name},
    {"uretprobe.multi.s",    uretprobe_multi,         BPF_PROG_TYPE_KPROBE,                  uapi::BPF_TRACE_UPROBE_MULTI,    TargetSyntax::name, sleepable},
    {"uprobe.session",       uprobe_session,          BPF_PROG_TYPE_KPROBE,                  uapi::BPF_TRACE_UPROBE_SESSION,  TargetSyntax::name},
    {"uprobe.session.s",     uprobe_session,          BPF_PROG_TYPE_KPROBE,                  uapi::BPF_TRACE_UPROBE_SESSION,  TargetSyntax::name, sleepable},
    {"usdt",                 usdt,                    BPF_PROG_TYPE_KPROBE,                  0,                               TargetSyntax::name},
    {"usdt.s",               usdt,                    BPF_PROG_TYPE_KPROBE,                  0,                               TargetSyntax::name, sleepable},

    {"tracepoint",           tracepoint,              BPF_PROG_TYPE_TRACEPOINT,              0,                               TargetSyntax::tracepoint},
    {"tracepoint.s",        tracepoint,              BPF_PROG_TYPE_TRACEPOINT,              0,                               TargetSyntax::tracepoint, sleepable},
    {"tp.s",                tracepoint,              BPF_PROG_TYPE_TRACEPOINT,              0,                               TargetSyntax::tracepoint, sleepable},
    {"tp",                   tracepoint,              BPF_PROG_TYPE_TRACEPOINT,              0,                               TargetSyntax::tracepoint},
    {"raw_tp",               raw_tracepoint,          BPF_PROG_TYPE_RAW_TRACEPOINT,          0,                               TargetSyntax::name},
    {"raw_tp.s",            raw_tracepoint,          BPF_PROG_TYPE_RAW_TRACEPOINT,          0,                               TargetSyntax::name, sleepable},
    {"raw_tracepoint.s",    raw_tracepoint,          BPF_PROG_TYPE_RAW_TRACEPOINT,          0,                               TargetSyntax::name, sleepable},
    {"raw_tracepoint",       raw_tracepoint,          BPF_PROG_TYPE_RAW_TRACEPOINT,          0,                               TargetSyntax::name},
    {"raw_tp.w",             raw_tracepoint_writable, BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE, 0,                               TargetSyntax::name},
    {"raw_tracepoint.w",     raw_tracepoint_writable, BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE, 0,                               TargetSyntax::name},
    {"perf_event",           perf_event,              BPF_PROG_TYPE_PERF_EVENT,              0},

    {"tp_btf",               tp_btf,                  BPF_PROG_TYPE_TRACING,                 BPF_TRACE_RAW_TP,                TargetSyntax::name},
    {"tp_btf.s",            tp_btf,                  BPF_PROG_TYPE_TRACING,                 BPF_TRACE_RAW_TP,                TargetSyntax::name, sleepable},
    {"fentry",               fentry,                  BPF_PROG_TYPE_TRACING,                 BPF_TRACE_FENTRY,                TargetSyntax::name},
    {"fentry.s",             fentry,                  BPF_PROG_TYPE_TRACING,                 BPF_TRACE_FENTRY,                TargetSyntax::name, sleepable},
    {"fexit",                fexit,                   BPF_PROG_TYPE_TRACING,                 BPF_TRACE_FEXIT,                 TargetSyntax::name},
    {"fexit.s",              fexit,                   BPF_PROG_TYPE_TRACING,                 BPF_TRACE_FEXIT,                 TargetSyntax::name, sleepable},
    {"fmod_ret",             fmod_ret,                BPF_PROG_TYPE_TRACING,                 BPF_MODIFY_RETURN,               TargetSyntax::name},
    {"fentry.multi",        fentry_multi,            BPF_PROG_TYPE_TRACING,                 uapi::BPF_TRACE_FENTRY_MULTI,    TargetSyntax::name},
    {"fentry.multi.s",      fentry_multi,            BPF_PROG_TYPE_TRACING,                 uapi::BPF_TRACE_FENTRY_MULTI,    TargetSyntax::name, sleepable},
    {"fexit.multi",         fexit_multi,             BPF_PROG_TYPE_TRACING,                 uapi::BPF_TRACE_FEXIT_MULTI,     TargetSyntax::name},
    {"fexit.multi.s",       fexit_multi,             BPF_PROG_TYPE_TRACING,                 uapi::BPF_TRACE_FEXIT_MULTI,     TargetSyntax::name, sleepable},
    {"fsession.multi",      fsession_multi,          BPF_PROG_TYPE_TRACING,                 uapi::BPF_TRACE_FSESSION_MULTI,  TargetSyntax::name},
    {"fsession.multi.s",    fsession_multi,          BPF_PROG_TYPE_TRACING,                 uapi::BPF_TRACE_FSESSION_MULTI,  TargetSyntax::name, sleepable},
    {"fmod_ret.s",           fmod_ret,                BPF_PROG_TYPE_TRACING,                 BPF_MODIFY_RETURN,               TargetSyntax::name, sleepable},
    {"fsession",             fsession,                BPF_PROG_TYPE_TRACING,                 uapi::BPF_TRACE_FSESSION,        TargetSyntax::name},
    {"fsession.s",           fsession,                BPF_PROG_TYPE_TRACING,                 uapi::BPF_TRACE_FSESSION,        TargetSyntax::name, sleepable},
    {"iter",                 iter,                    BPF_PROG_TYPE_TRACING,                 BPF_TRACE_ITER,                  TargetSyntax::name},
    {"iter.s",               iter,                    BPF_PROG_TYPE_TRACING,                 BPF_TRACE_ITER,                  TargetSyntax::name, sleepable},
    {"freplace",             freplace,                BPF_PROG_TYPE_EXT,                     0,                               TargetSyntax::name},
    {"lsm",                  lsm,                     BPF_PROG_TYPE_LSM,                     BPF_LSM_MAC,                     TargetSyntax::name},
    {"lsm.s",                lsm,                     BPF_PROG_TYPE_LSM,                     BPF_LSM_MAC,                     TargetSyntax::name, sleepable},
    {"lsm_cgroup",           lsm_cgroup,              BPF_PROG_TYPE_LSM,                     BPF_LSM_CGROUP,                  TargetSyntax::name},
    {"struct_ops",           struct_ops,              BPF_PROG_TYPE_STRUCT_OPS,              0,                               TargetSyntax::name},
    {"struct_ops.s",         struct_ops,              BPF_PROG_TYPE_STRUCT_OPS,              0,                               TargetSyntax::name, sleepable},
    {"syscall",              none,                    BPF_PROG_TYPE_SYSCALL,                 0,                               TargetSyntax::none, sleepable},

    {"xdp",                  xdp,                     BPF_PROG_TYPE_XDP,                     BPF_XDP},
    {"xdp.frags",            xdp,                     BPF_PROG_TYPE_XDP,                     BPF_XDP,                         TargetSyntax::none, false, frags},
    {"xdp/devmap",           none,                    BPF_PROG_TYPE_XDP,                     BPF_XDP_DEVMAP},
    {"xdp.frags/devmap",     none,                    BPF_PROG_TYPE_XDP,                     BPF_XDP_DEVMAP,                  TargetSyntax::none, false, frags},
    {"xdp/cpumap",           none,                    BPF_PROG_TYPE_XDP,                     BPF_XDP_CPUMAP},
    {"xdp.frags/cpumap",     none,                    BPF_PROG_TYPE_XDP,                     BPF_XDP_CPUMAP,                  TargetSyntax::none, false, frags},
    {"tc",                   tc,                      BPF_PROG_TYPE_SCHED_CLS,               0},
    {"tc/ingress",           tc,                      BPF_PROG_TYPE_SCHED_CLS,               uapi::BPF_TCX_INGRESS},
    {"tc/egress",            tc,                      BPF_PROG_TYPE_SCHED_CLS,               uapi::BPF_TCX_EGRESS},
    {"tcx/ingress",          tcx,                     BPF_PROG_TYPE_SCHED_CLS,               uapi::BPF_TCX_INGRESS},
    {"tcx/egress",           tcx,                     BPF_PROG_TYPE_SCHED_CLS,               uapi::BPF_TCX_EGRESS},
    {"classifier",           tc,                      BPF_PROG_TYPE_SCHED_CLS,               0,                               TargetSyntax::none, false, false, "tc"},
    {"action",               none,                    BPF_PROG_TYPE_SCHED_ACT,               0,                               TargetSyntax::none, false, false, "tc"},
    {"netkit/primary",       netkit,                  BPF_PROG_TYPE_SCHED_CLS,               uapi::BPF_NETKIT_PRIMARY},
    {"netkit/peer",          netkit,                  BPF_PROG_TYPE_SCHED_CLS,               uapi::BPF_NETKIT_PEER},
    {"socket",               socket_filter,           BPF_PROG_TYPE_SOCKET_FILTER,           0},
    {"netfilter",            netfilter,               uapi::BPF_PROG_TYPE_NETFILTER,         uapi::BPF_NETFILTER},
    {"flow_dissector",       flow_dissector,          BPF_PROG_TYPE_FLOW_DISSECTOR,          BPF_FLOW_DISSECTOR},
    {"sk_lookup",            sk_lookup,               BPF_PROG_TYPE_SK_LOOKUP,               BPF_SK_LOOKUP},
    {"sk_reuseport",         sk_reuseport,            BPF_PROG_TYPE_SK_REUSEPORT,            BPF_SK_REUSEPORT_SELECT},
    {"sk_reuseport/migrate", sk_reuseport,            BPF_PROG_TYPE_SK_REUSEPORT,            BPF_SK_REUSEPORT_SELECT_OR_MIGRATE},
    {"sk_skb",               sockmap,                 BPF_PROG_TYPE_SK_SKB,                  0},
    {"sk_skb/stream_parser", sockmap,                 BPF_PROG_TYPE_SK_SKB,                  BPF_SK_SKB_STREAM_PARSER},
    {"sk_skb/stream_verdict", sockmap,                BPF_PROG_TYPE_SK_SKB,                  BPF_SK_SKB_STREAM_VERDICT},
    {"sk_skb/verdict",       sockmap,                 BPF_PROG_TYPE_SK_SKB,                  BPF_SK_SKB_VERDICT},
    {"sk_msg",               sockmap,                 BPF_PROG_TYPE_SK_MSG,                  BPF_SK_MSG_VERDICT},
    {"lwt_in",               none,                    BPF_PROG_TYPE_LWT_IN,                  0},
    {"lwt_out",              none,                    BPF_PROG_TYPE_LWT_OUT,                 0},
    {"lwt_xmit",             none,                    BPF_PROG_TYPE_LWT_XMIT,                0},
    {"lwt_seg6local",        none,                    BPF_PROG_TYPE_LWT_SEG6LOCAL,           0},
    {"lirc_mode2",           none,                    BPF_PROG_TYPE_LIRC_MODE2,              BPF_LIRC_MODE2},

    {"cgroup/skb",           cgroup,                  BPF_PROG_TYPE_CGROUP_SKB,              0},
    {"cgroup_skb/ingress",   cgroup,                  BPF_PROG_TYPE_CGROUP_SKB,              BPF_CGROUP_INET_INGRESS},
    {"cgroup_skb/egress",    cgroup,                  BPF_PROG_TYPE_CGROUP_SKB,              BPF_CGROUP_INET_EGRESS},
    {"sockops",              cgroup,                  BPF_PROG_TYPE_SOCK_OPS,                BPF_CGROUP_SOCK_OPS},
    {"cgroup/sock",          cgroup,                  BPF_PROG_TYPE_CGROUP_SOCK,             BPF_CGROUP_INET_SOCK_CREATE},
    {"cgroup/sock_create",   cgroup,                  BPF_PROG_TYPE_CGROUP_SOCK,             BPF_CGROUP_INET_SOCK_CREATE},
    {"cgroup/sock_release",  cgroup,                  BPF_PROG_TYPE_CGROUP_SOCK,             BPF_CGROUP_INET_SOCK_RELEASE},
    {"cgroup/post_bind4",    cgroup,                  BPF_PROG_TYPE_CGROUP_SOCK,             BPF_CGROUP_INET4_POST_BIND},
    {"cgroup/post_bind6",    cgroup,                  BPF_PROG_TYPE_CGROUP_SOCK,             BPF_CGROUP_INET6_POST_BIND},
    {"cgroup/bind4",         cgroup,                  BPF_PROG_TYPE_CGROUP_SOCK_ADDR,        BPF_CGROUP_INET4_BIND},
    {"cgroup/bind6",         cgroup,                  BPF_PROG_TYPE_CGROUP_SOCK_ADDR,        BPF_CGROUP_INET6_BIND},
    {"cgroup/connect4",      cgroup,                  BPF_PROG_TYPE_CGROUP_SOCK_ADDR,        BPF_CGROUP_INET4_CONNECT},
    {"cgroup/connect6",      cgroup,                  BPF_PROG_TYPE_CGROUP_SOCK_ADDR,        BPF_CGROUP_INET6_CONNECT},
    {"cgroup/connect_unix",  cgroup,                  BPF_PROG_TYPE_CGROUP_SOCK_ADDR,        uapi::BPF_CGROUP_UNIX_CONNECT},
    {"cgroup/sendmsg4",      cgroup,                  BPF_PROG_TYPE_CGROUP_SOCK_ADDR,        BPF_CGROUP_UDP4_SENDMSG},
    {"cgroup/sendmsg6",      cgroup,                  BPF_PROG_TYPE_CGROUP_SOCK_ADDR,        BPF_CGROUP_UDP6_SENDMSG},
    {"cgroup/sendmsg_unix",  cgroup,                  BPF_PROG_TYPE_CGROUP_SOCK_ADDR,        uapi::BPF_CGROUP_UNIX_SENDMSG},
    {"cgroup/recvmsg4",      cgroup,                  BPF_PROG_TYPE_CGROUP_SOCK_ADDR,        BPF_CGROUP_UDP4_RECVMSG},
    {"cgroup/recvmsg6",      cgroup,                  BPF_PROG_TYPE_CGROUP_SOCK_ADDR,        BPF_CGROUP_UDP6_RECVMSG},
    {"cgroup/recvmsg_unix",  cgroup,                  BPF_PROG_TYPE_CGROUP_SOCK_ADDR,        uapi::BPF_CGROUP_UNIX_RECVMSG},
    {"cgroup/getpeername4",  cgroup,                  BPF_PROG_TYPE_CGROUP_SOCK_ADDR,        BPF_CGROUP_INET4_GETPEERNAME},
    {"cgroup/getpeername6",  cgroup,                  BPF_PROG_TYPE_CGROUP_SOCK_ADDR,        BPF_CGROUP_INET6_GETPEERNAME},
    {"cgroup/getpeername_unix", cgroup,               BPF_PROG_TYPE_CGROUP_SOCK_ADDR,        uapi::BPF_CGROUP_UNIX_GETPEERNAME},
    {"cgroup/getsockname4",  cgroup,                  BPF_PROG_TYPE_CGROUP_SOCK_ADDR,        BPF_CGROUP_INET4_GETSOCKNAME},
    {"cgroup/getsockname6",  cgroup,                  BPF_PROG_TYPE_CGROUP_SOCK_ADDR,        BPF_CGROUP_INET6_GETSOCKNAME},
    {"cgroup/getsockname_unix", cgroup,               BPF_PROG_TYPE_CGROUP_SOCK_ADDR,        uapi::BPF_CGROUP_UNIX_GETSOCKNAME},
    {"cgroup/sysctl",        cgroup,                  BPF_PROG_TYPE_CGROUP_SYSCTL,           BPF_CGROUP_SYSCTL},
    {"cgroup/getsockopt",    cgroup,                  BPF_PROG_TYPE_CGROUP_SOCKOPT,          BPF_CGROUP_GETSOCKOPT},
    {"cgroup/setsockopt",    cgroup,                  BPF_PROG_TYPE_CGROUP_SOCKOPT,          BPF_CGROUP_SETSOCKOPT},
    {"cgroup/dev",           cgroup,                  BPF_PROG_TYPE_CGROUP_DEVICE,           BPF_CGROUP_DEVICE},
};
// clang-format on

constexpr auto spellings = [] {
    std::array<std::string_view, std::size(table)> all;
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = table[i].spelling;
    return all;
}();

}  // namespace

std::span<const SectionName> section_names() noexcept {
    return table;
}

const SectionName* find_spelling(std::string_view spelling) noexcept {
    for (const SectionName& row : table) {
        if (row.spelling == spelling) return &row;
    }
    return nullptr;
}

std::span<const std::string_view> section_name_spellings() {
    return spellings;
}

}  // namespace minibpf
