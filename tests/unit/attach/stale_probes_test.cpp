// Probes that a loader which is gone has left in tracefs.
#include <tests/catch.hpp>

#include <libminibpf/attach/stale_probes.hpp>
#include <libminibpf/kernel/files.hpp>
#include <tests/fake_gate.hpp>

using namespace minibpf;
using namespace minibpf::test;

TEST_CASE("probes of processes that are gone are removed, others stay", "[attach][stale]") {
    FakeGate gate;
    gate.files["/sys/kernel/tracing/kprobe_events"] =
        "p:minibpf/do_unlinkat_999_1 do_unlinkat+0\n"
        "r64:minibpf/vfs_read_999_12 vfs_read+0\n"
        "p:minibpf/vfs_write_4711_2 vfs_write+0\n"
        "p:minibpf/by_hand vfs_write+0\n"
        "p:kprobes/x_999_1 vfs_write+0 text=:minibpf/x_999_1\n";
    gate.files["/sys/kernel/tracing/uprobe_events"] = "p:minibpf/main_998_1 /bin/true:0x1000\n";
    gate.files["/proc/4711/stat"] = "4711 (loader) S\n";
    CHECK(remove_stale_probes(gate) == std::vector<std::string>{"do_unlinkat_999_1", "vfs_read_999_12", "main_998_1"});
    std::vector<std::string> written;
    for (const Write* write : gate.calls<Write>()) written.emplace_back(text_of(write->data));
    CHECK(written ==
          std::vector<std::string>{"-:minibpf/do_unlinkat_999_1", "-:minibpf/vfs_read_999_12", "-:minibpf/main_998_1"});
    CHECK(gate.open_fds().empty());
}

TEST_CASE("a probe that is still in use stays, and nothing is removed where nothing can be read", "[attach][stale]") {
    FakeGate busy;
    busy.files["/sys/kernel/tracing/kprobe_events"] = "p:minibpf/do_unlinkat_999_1 do_unlinkat+0\n";
    busy.fail<Write>(EBUSY);
    CHECK(remove_stale_probes(busy).empty());
    CHECK(busy.open_fds().empty());
    FakeGate locked;
    locked.fail<OpenAt>(EACCES);
    CHECK(remove_stale_probes(locked).empty());
    CHECK(locked.count<Write>() == 0);
}
