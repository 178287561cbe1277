// What an attachment that fails says and how the command exits, failure by failure: docs/decisions/
// 0013-exit-statuses-of-attach-failures.md has the statuses' reasons.
#include <fstream>
#include <sstream>

#include <libminibpf/attach/attach.hpp>
#include <tests/kernel/cgroup.hpp>
#include <tests/kernel/loading.hpp>
#include <tests/kernel/network.hpp>

#include "hook_run.hpp"

using namespace minibpf;
using namespace minibpf::test;

namespace {

struct Failure {
    std::string arguments;           ///< of `loader -q … -c true`
    int status;                      ///< whose turn it is
    std::vector<std::string> hints;  ///< words of the `try:` line, all of them
    std::string around = "";         ///< what runs the loader: setpriv …
};

// The text after `try:`.
std::string advice(const std::string& err) {
    const std::size_t begin = err.find("  try:   ");
    return begin == std::string::npos ? "" : err.substr(begin + 9);
}

void check_failures(const std::vector<Failure>& failures) {
    for (const Failure& failure : failures) {
        INFO(failure.around << " loader " << failure.arguments);
        const Said said = run(failure.around + " " + loader() + " -q " + failure.arguments + " -c true");
        INFO(said.err);
        CHECK(said.status == failure.status);
        for (const std::string& hint : failure.hints) CHECK_THAT(advice(said.err), contains(hint));
        CHECK(lines_with("/sys/kernel/tracing/kprobe_events", "minibpf/").empty());
    }
}

std::string program_of(const std::string& object, const std::string& program, const std::string& hook = "") {
    return "--program " + program + (hook.empty() ? "" : " --attach '" + program + "=" + hook + "'") + " " +
           object_path(object);
}

std::string kprobe_at(const std::string& function) {
    return program_of("kernel_hooks", "on_kprobe", "kprobe:" + function);
}

// A function of the kernel itself that is there only under a name with this suffix: "do_something" for
// "do_something.isra.0".
std::string function_with_suffix(const std::string& suffix) {
    std::ifstream symbols("/proc/kallsyms");
    for (std::string address, type, symbol, rest;
         symbols >> address >> type >> symbol && std::getline(symbols, rest);) {
        const std::size_t begin = symbol.find(suffix);
        if (begin == std::string::npos || type != "t" || rest.find('[') != std::string::npos) continue;
        const std::string plain = symbol.substr(0, begin);
        if (symbol.find('.', begin + suffix.size()) == std::string::npos && kallsyms_address(plain) == 0) return plain;
    }
    return {};
}

}  // namespace

TEST_CASE("attaching to what does not exist exits 3 and names the nearest", "[cli][kernel][errors]") {
    require_tracepoints();
    const NetworkNamespace network;
    check_failures({
        {program_of("kernel_hooks", "on_tracepoint", "tracepoint:syscalls/sys_enter_getpgidd"),
         3,
         {"did you mean syscalls:sys_enter_getpgid?"}},
        {program_of("kernel_hooks", "on_raw_tracepoint", "raw_tp:sys_entry"), 3, {"sys_enter"}},
        {program_of("tracing_hooks", "on_tp_btf", "tp_btf:sys_enterr"), 3, {"did you mean", "sys_enter"}},
        {program_of("network_hooks", "on_xdp", "xdp:l0"), 3, {"did you mean lo?"}},
        {program_of("network_hooks", "on_tc", "tcx/ingress:l0"), 3, {"did you mean lo?"}},
        {program_of("network_hooks", "on_tc", "tc/ingress:l0"), 3, {"did you mean lo?"}},
        {program_of("network_hooks", "on_socket", "socket:l0"), 3, {"did you mean lo?"}},
        {program_of("network_hooks", "on_msg", "sk_msg:sokets"), 3, {"sockets"}},
    });
}

TEST_CASE("a uprobe at what the file does not have exits 3 and names the nearest", "[cli][kernel][errors]") {
    require_uprobes();
    check_failures({
        {program_of("kernel_uprobes", "on_uprobe", "uprobe:libc:getpriorty"), 3, {"did you mean getpriority?"}},
        {program_of("kernel_uprobes", "on_usdt", "usdt:/proc/self/exe:some:probe"), 3, {}},
    });
}

TEST_CASE("a kprobe at a function that does not exist exits 3 and names the nearest", "[cli][kernel][errors]") {
    require_kprobe_pmu();
    const std::vector<std::string> nearest = {"did you mean do_unlinkat?"};
    check_failures({{kprobe_at("do_unlinkatt"), 3, nearest},
                    {"--tracefs-kprobes " + kprobe_at("do_unlinkatt"), 3, nearest},
                    {"--link " + kprobe_at("do_unlinkatt"), 3, nearest}});
}

TEST_CASE("a kprobe at a function that the compiler changed exits 3 and tells its name", "[cli][kernel][errors]") {
    require_kprobe_pmu();
    int found = 0;
    for (const char* suffix : {".isra.", ".constprop."}) {
        const std::string function = function_with_suffix(suffix);
        if (function.empty()) continue;
        ++found;
        check_failures({{kprobe_at(function), 3, {"calls it " + function + "."}}});
    }
    CHECK(found > 0);
}

TEST_CASE("a kprobe where the kernel wants none exits 1 and says why", "[cli][kernel][errors]") {
    require_kprobe_pmu();
    // In __kprobes, and a place in the middle of an instruction: endbr64 has four bytes, a call five.
    check_failures({{kprobe_at("kprobe_dispatcher"), 1, {"keeps probes out", "notrace"}},
                    {"--tracefs-kprobes " + kprobe_at("kprobe_dispatcher"), 1, {"keeps probes out", "notrace"}},
                    {kprobe_at(get_syscall_fnname("getpgid") + "+1"), 1, {"middle of an instruction"}}});
}

TEST_CASE("a kprobe on a kernel without them exits 4 and names a tracepoint", "[cli][kernel][errors]") {
    require_bpf();
    if (std::filesystem::exists("/sys/bus/event_source/devices/kprobe")) leave_skipped("this kernel has kprobes");
    const std::vector<std::string> instead = {"CONFIG_KPROBES", "--attach 'on_kprobe=tracepoint:"};
    check_failures({{program_of("kernel_hooks", "on_kprobe"), 4, instead},
                    {"--tracefs-kprobes " + program_of("kernel_hooks", "on_kprobe"), 4, instead}});
}

namespace {

// In a mount namespace of its own, without tracefs and without debugfs, through which it can be seen too.
std::string without_tracefs(const std::string& command) {
    return "unshare -m bash -c '"
           "umount -l /sys/kernel/debug/tracing 2> /dev/null; umount -l /sys/kernel/debug 2> /dev/null; "
           "umount -l /sys/kernel/tracing || exit 99; " +
           command + "'";
}

}  // namespace

TEST_CASE("where tracefs is not mounted it is mounted, and who may not do that exits 4", "[cli][kernel][errors]") {
    require_tracepoints();
    require_prerequisite(run("command -v setpriv && command -v unshare").status == 0, "setpriv and unshare");
    const std::string attach = loader() + " -q --program on_tracepoint " + object_path("kernel_hooks") + " -c true";
    const Said mounted = run(without_tracefs(attach + " && test -e /sys/kernel/tracing/events"));
    INFO(mounted.err);
    CHECK(mounted.status == 0);
    const Said refused = run(without_tracefs("setpriv --bounding-set -sys_admin " + attach));
    INFO(refused.err);
    CHECK(refused.status == 4);
    CHECK_THAT(refused.err, contains("tracefs, which is not mounted"));
    CHECK_THAT(advice(refused.err), contains("mount -t tracefs"));
    CHECK(std::filesystem::exists("/sys/kernel/tracing/events"));
}

TEST_CASE("a missing capability exits 4, and it is named", "[cli][kernel][errors]") {
    require_tracepoints();
    require_prerequisite(run("command -v setpriv").status == 0, "setpriv");
    const NetworkNamespace network;
    const auto without = [](const std::string& capabilities) { return "setpriv --bounding-set " + capabilities; };
    check_failures({
        {program_of("kernel_hooks", "on_tracepoint"), 4, {"CAP_BPF"}, without("-bpf,-sys_admin")},
        {program_of("kernel_hooks", "on_tracepoint"), 4, {"CAP_PERFMON"}, without("-perfmon,-sys_admin")},
        {program_of("network_hooks", "on_socket", "socket:lo"), 4, {"CAP_NET_RAW"}, without("-net_raw")},
        {"--older " + program_of("network_hooks", "on_xdp", "xdp:lo,generic"),
         4,
         {"CAP_NET_ADMIN"},
         without("-net_admin,-sys_admin")},
    });
}

TEST_CASE("an LSM program where bpf is not in the boot list exits 4 and says what to boot with",
          "[cli][kernel][errors]") {
    require_kernel_btf();
    LiveGate gate;
    skip_unless_kernel_has("fentry", has_trampolines(gate));
    require_prerequisite(std::filesystem::exists("/sys/kernel/security/lsm"), "securityfs");
    const TemporaryDirectory directory;
    write_file(directory / "lsm", "landlock,yama");
    const Said said = run("unshare -m bash -c 'mount --bind " + (directory / "lsm").string() +
                          " /sys/kernel/security/lsm || exit 99; " + loader() + " -q --program on_lsm " +
                          object_path("tracing_hooks") + " -c true'");
    INFO(said.err);
    CHECK(said.status == 4);
    CHECK_THAT(advice(said.err), contains("boot with lsm=landlock,yama,bpf"));
}

TEST_CASE("a place that is taken exits 1 and says how to look", "[cli][kernel][errors]") {
    require_bpf();
    const NetworkNamespace network;
    WaitingLoader first("-q --program on_xdp --attach xdp:lo " + object_path("network_hooks"));
    REQUIRE(first.attaches());
    const std::vector<std::string> look = {"is there already", "ip link show dev lo"};
    check_failures({{program_of("network_hooks", "on_xdp_too", "xdp:lo"), 1, look},
                    {"--older " + program_of("network_hooks", "on_xdp_too", "xdp:lo"), 1, look}});
    CHECK(first.finish().status == 0);
    WaitingLoader dissector("-q --program on_dissection " + object_path("network_hooks"));
    REQUIRE(dissector.attaches());
    check_failures({{"--link " + program_of("network_hooks", "on_dissection"), 1, {}},
                    {"--older " + program_of("network_hooks", "on_dissection"), 1, {}}});
    CHECK(dissector.finish().status == 0);
}

TEST_CASE("a table of functions whose name is taken exits 1 and says so", "[cli][kernel][errors]") {
    require_kernel_btf();
    WaitingLoader first("-q " + object_path("congestion"));
    REQUIRE(first.attaches());
    check_failures({{object_path("congestion"), 1, {"name"}}});
    CHECK(first.finish().status == 0);
}
