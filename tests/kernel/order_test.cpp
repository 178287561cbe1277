// Order among the programs of one place, as a hook's settings say it, on the running kernel.
#include <libminibpf/attach/attach.hpp>
#include <libminibpf/load/loaded.hpp>
#include <tests/kernel/live.hpp>
#include <tests/kernel/network.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

// Whether the kernel takes the hook at all: tcx came with Linux 6.6.
bool takes(KernelGate& gate, const Program& program, const std::string& hook) {
    try {
        attach(gate, program, parse_hook(hook));
        return true;
    } catch (const Error& error) {
        if (error.detail().blame != Blame::facility) throw;
        return false;
    }
}

}  // namespace

TEST_CASE("a tcx program comes first, or before a program or link of an id, if the hook says so", "[attach][network]") {
    require_bpf();
    NetworkNamespace network;
    skip_unless_kernel_has("veth", network.add_pair("veth", "veth0", "veth1"));
    LiveGate gate;
    Object object = load(gate, object_spec("tests/data/network_hooks.bpf.o"), {.programs = {"first", "second"}});
    const Program& first = object.require_program("first");
    const Program& second = object.require_program("second");
    skip_unless_kernel_has("tcx", takes(gate, first, "tcx/ingress:veth1"));
    const Link later = attach(gate, second, parse_hook("tcx/ingress:veth1"));
    const std::uint32_t program = program_facts(gate, second.fd()).id;
    const std::uint32_t link = link_facts(gate, later.link_fd()).id;
    for (const std::string& place :
         {std::string("first"), "before=" + std::to_string(program), "before=link:" + std::to_string(link)}) {
        INFO(place);
        const Link sooner = attach(gate, first, parse_hook("tcx/ingress:veth1," + place));
        send_frame("veth0");
        CHECK(variable<std::uint64_t>(object, "order") % 100 == 12);
    }
    for (const std::string& place : {std::string("last"), "after=" + std::to_string(program)}) {
        INFO(place);
        const Link after = attach(gate, first, parse_hook("tcx/ingress:veth1," + place));
        send_frame("veth0");
        CHECK(variable<std::uint64_t>(object, "order") % 100 == 21);
    }
    const Error stale = error_of([&] { attach(gate, first, parse_hook("tcx/ingress:veth1,first,revision=1")); });
    CHECK(stale.detail().code == ESTALE);
    const Error absent = error_of([&] { attach(gate, first, parse_hook("tcx/ingress:veth1,before=4000000")); });
    CHECK(absent.detail().code == ENOENT);
}
