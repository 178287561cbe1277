#pragma once
// What the tests of network hooks share: the programs of tests/data/network_hooks.bpf.c, and what each hook needs of
// the kernel.

#include <functional>
#include <string>
#include <vector>

#include <libminibpf/attach/attach.hpp>
#include <libminibpf/attach/interface.hpp>
#include <tests/kernel/live.hpp>
#include <tests/kernel/loading.hpp>
#include <tests/kernel/network.hpp>

namespace minibpf::test {

inline Object load_hooks(KernelGate& gate, const std::vector<std::string>& programs) {
    return load(gate, data("network_hooks"), {.programs = programs});
}

/// tcx came with Linux 6.6, netfilter links with 6.4: asked for by trying.
inline bool can_attach(const std::function<Link()>& attach_it) {
    try {
        attach_it();
        return true;
    } catch (const Error& error) {
        if (error.detail().blame != Blame::facility) throw;
        return false;
    }
}

inline void require_clsact(KernelGate& gate) {
    Object object = load_hooks(gate, {"on_tc"});
    skip_unless_kernel_has("clsact and bpf filters", can_attach([&] {
                               return attach(gate, object.require_program("on_tc"), parse_hook("tc/ingress:lo"));
                           }));
}

inline void require_veth(NetworkNamespace& network) {
    skip_unless_kernel_has("veth", network.add_pair("veth", "veth0", "veth1"));
}

inline void require_tcx(KernelGate& gate) {
    Object object = load_hooks(gate, {"on_tc"});
    skip_unless_kernel_has(
        "tcx", can_attach([&] { return attach(gate, object.require_program("on_tc"), parse_hook("tcx/ingress:lo")); }));
}

inline void require_netkit(NetworkNamespace& network) {
    skip_unless_kernel_has("netkit", network.add_pair("netkit", "nk0", "nk1"));
}

/// Netfilter programs came with 6.4, whole packets for them (",defrag") with 6.6.
inline void require_netfilter(KernelGate& gate, const std::string& hook) {
    skip_unless_kernel_has("netfilter programs", loads(gate, data("network_new_hooks"), "on_netfilter"));
    Object object = load(gate, data("network_new_hooks"), {.programs = {"on_netfilter"}});
    skip_unless_kernel_has("netfilter programs", can_attach([&] {
                               return attach(gate, object.require_program("on_netfilter"), parse_hook(hook));
                           }));
}

inline NetlinkMessage clsact_message(KernelGate& gate, RouteSocket& route, std::uint16_t type, std::uint16_t flags,
                                     const std::string& interface) {
    NetlinkMessage message(type, NLM_F_ACK | flags, route.next_sequence());
    tcmsg clsact{};
    clsact.tcm_ifindex = static_cast<int>(interface_index(gate, interface, "a test"));
    clsact.tcm_handle = 0xffff0000;
    clsact.tcm_parent = 0xfffffff1;
    message.append(clsact);
    message.add_string(TCA_KIND, "clsact");
    return message;
}

/// The queueing discipline that tc filters need, made by somebody else.
inline void add_clsact(KernelGate& gate, const std::string& interface) {
    RouteSocket route(gate, "making a queueing discipline");
    REQUIRE(route.request(clsact_message(gate, route, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, interface)).ok());
}

/// Whether there is one; if so, it is taken away.
inline bool remove_clsact(KernelGate& gate, const std::string& interface) {
    RouteSocket route(gate, "looking for a queueing discipline");
    return route.request(clsact_message(gate, route, RTM_DELQDISC, 0, interface)).ok();
}

}  // namespace minibpf::test
