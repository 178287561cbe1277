// Numbers of the kernel's ABI (include/uapi/linux/bpf.h) that are newer than the oldest header minibpf is built with,
// Linux 6.1's. They never change once released, so they can be written down here.
#pragma once

#include <cstdint>

#include <linux/bpf.h>

namespace minibpf::uapi {

constexpr std::uint32_t BPF_PROG_TYPE_NETFILTER = 32;  // Linux 6.4

constexpr std::uint32_t BPF_MAP_TYPE_CGRP_STORAGE = 32;  // 6.2
constexpr std::uint32_t BPF_MAP_TYPE_ARENA = 33;         // 6.9
constexpr std::uint32_t BPF_MAP_TYPE_INSN_ARRAY = 34;    // 6.19

constexpr std::uint32_t BPF_F_BEFORE = 1u << 3;             // 6.6: where among the programs of one place
constexpr std::uint32_t BPF_F_AFTER = 1u << 4;              // 6.6
constexpr std::uint32_t BPF_F_ID = 1u << 5;                 // 6.6: relative_fd is an id
constexpr std::uint32_t BPF_F_PREORDER = 1u << 6;           // 6.15: before the programs of the cgroups below
constexpr std::uint32_t BPF_F_LINK = 1u << 13;              // 6.4, for struct_ops maps; 6.6: relative_fd is a link
constexpr std::uint32_t BPF_F_VTYPE_BTF_OBJ_FD = 1u << 15;  // 6.9: the value's type is a module's

// enum bpf_attach_type
constexpr std::uint32_t BPF_STRUCT_OPS = 44;               // 6.4
constexpr std::uint32_t BPF_NETFILTER = 45;                // 6.4
constexpr std::uint32_t BPF_TCX_INGRESS = 46;              // 6.6
constexpr std::uint32_t BPF_TCX_EGRESS = 47;               // 6.6
constexpr std::uint32_t BPF_TRACE_UPROBE_MULTI = 48;       // 6.6
constexpr std::uint32_t BPF_CGROUP_UNIX_CONNECT = 49;      // 6.7
constexpr std::uint32_t BPF_CGROUP_UNIX_SENDMSG = 50;      // 6.7
constexpr std::uint32_t BPF_CGROUP_UNIX_RECVMSG = 51;      // 6.7
constexpr std::uint32_t BPF_CGROUP_UNIX_GETPEERNAME = 52;  // 6.7
constexpr std::uint32_t BPF_CGROUP_UNIX_GETSOCKNAME = 53;  // 6.7
constexpr std::uint32_t BPF_NETKIT_PRIMARY = 54;           // 6.7
constexpr std::uint32_t BPF_NETKIT_PEER = 55;              // 6.7
constexpr std::uint32_t BPF_TRACE_KPROBE_SESSION = 56;     // 6.10
constexpr std::uint32_t BPF_TRACE_UPROBE_SESSION = 57;     // 6.13
constexpr std::uint32_t BPF_TRACE_FSESSION = 58;           // 7.0
constexpr std::uint32_t BPF_TRACE_FENTRY_MULTI = 59;       // 7.2
constexpr std::uint32_t BPF_TRACE_FEXIT_MULTI = 60;        // 7.2
constexpr std::uint32_t BPF_TRACE_FSESSION_MULTI = 61;     // 7.2

}  // namespace minibpf::uapi
