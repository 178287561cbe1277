// What stays in the kernel when a loader is killed with SIGKILL and cannot clean up, and how it is taken away:
// docs/troubleshooting.md tells it.
#include <chrono>
#include <fstream>
#include <functional>
#include <thread>

#include <sys/wait.h>

#include <tests/kernel/cgroup.hpp>
#include <tests/kernel/cgroup_events.hpp>
#include <tests/kernel/congestion.hpp>
#include <tests/kernel/network_hooks.hpp>

#include "hook_run.hpp"

using namespace minibpf;
using namespace minibpf::test;

namespace {

/// Runs `loader ARGUMENTS` until `is_attached`, and kills it. Gives its pid.
pid_t kill_loader(const std::string& arguments, const std::function<bool(pid_t)>& is_attached) {
    const std::string command = "exec " + loader() + " -q --duration 100s " + arguments + " > /dev/null";
    const pid_t pid = fork();
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
        _exit(127);
    }
    bool attached = false;
    for (int tries = 0; tries < 600 && !attached; ++tries) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        attached = is_attached(pid);
        if (!attached) REQUIRE(waitpid(pid, nullptr, WNOHANG) == 0);
    }
    kill(pid, SIGKILL);
    int status = 0;
    REQUIRE(waitpid(pid, &status, 0) == pid);
    CHECK(WIFSIGNALED(status));
    REQUIRE(attached);
    return pid;
}

/// The lines of uprobe_events or kprobe_events that are this process's.
std::size_t lines_of_process(const char* file, pid_t pid) {
    std::size_t count = 0;
    for (const std::string& line : lines_with(file, ":minibpf/"))
        count += line.find("_" + std::to_string(pid) + "_") != std::string::npos ? 1 : 0;
    return count;
}

/// Kills loaders that have a line in the file, of which one is removed by the next loader and one by the doctor.
void check_lines_are_left_and_removed(const char* file, const std::string& arguments) {
    const auto has_line = [&](pid_t pid) { return lines_of_process(file, pid) == 1; };
    const pid_t first = kill_loader("--tracefs-kprobes " + arguments, has_line);
    CHECK(lines_of_process(file, first) == 1);
    const Said next = loader_says("-q --tracefs-kprobes " + arguments + " -c true");
    INFO(next.err);
    CHECK(next.status == 0);
    CHECK(lines_of_process(file, first) == 0);

    const pid_t second = kill_loader("--tracefs-kprobes " + arguments, has_line);
    CHECK(lines_of_process(file, second) == 1);
    const Said cleaned = loader_says("doctor --clean");
    CHECK(cleaned.status == 0);
    CHECK_THAT(cleaned.out, contains("removed ") && contains("_" + std::to_string(second) + "_"));
    CHECK(lines_of_process(file, second) == 0);
    CHECK(lines_with(file, ":minibpf/").empty());
}

}  // namespace

TEST_CASE("a killed loader's line stays in uprobe_events until the next start, or until the doctor cleans",
          "[cli][kernel][killed]") {
    require_uprobes();
    check_lines_are_left_and_removed(
        "/sys/kernel/tracing/uprobe_events",
        "--program on_uprobe --attach on_uprobe=uprobe:libc:getpgid " + object_path("kernel_uprobes"));
}

TEST_CASE("a killed loader's line stays in kprobe_events until the next start, or until the doctor cleans",
          "[cli][kernel][killed]") {
    require_kprobe_events();
    check_lines_are_left_and_removed("/sys/kernel/tracing/kprobe_events",
                                     "--program on_kprobe " + object_path("kernel_hooks"));
}

TEST_CASE("what links and perf events hold goes with a killed loader", "[cli][kernel][killed]") {
    require_tracepoints();
    const TestCgroup cgroup;
    NetworkNamespace network;
    for (const auto& [program, options] : {std::pair<std::string, std::string>("on_tracepoint", ""),
                                           {"on_tracepoint", "--link"},
                                           {"on_raw_tracepoint", ""}}) {
        INFO(program << " " << options);
        const Pins pins;
        TriedHook tried{.object = "kernel_hooks",
                        .program = program,
                        .hook = "",
                        .options = options,
                        .provoke = [] { provoke(); },
                        .for_this_process = true};
        const std::string pin = pins / "bss";
        kill_loader(tried.arguments(pins.path), [&](pid_t) {
            if (!std::filesystem::exists(pin)) return false;
            provoke();
            return PinnedMap("kernel_hooks", pin).variable("hits") > 0;
        });
        PinnedMap bss("kernel_hooks", pin);
        const std::uint64_t at_end = bss.variable("hits");
        provoke();
        CHECK(bss.variable("hits") == at_end);
    }
    const auto is_attached = [](const std::string& type) {
        return [=](pid_t) { return loader_says("list links").out.find(type) != std::string::npos; };
    };
    const std::string object = " " + object_path("network_hooks");
    kill_loader("--program on_xdp --attach xdp:lo" + object, is_attached(" xdp "));
    kill_loader("--program on_egress --attach cgroup_skb/egress:" + cgroup.path() + object, is_attached(" cgroup "));
    CHECK_THAT(loader_says("list links").out, !contains(" xdp ") && !contains(" cgroup "));
    CHECK_THAT(run("ip link show dev lo").out, !contains("xdp"));
}

TEST_CASE("XDP by netlink stays when its loader is killed, until ip takes it away", "[cli][kernel][killed]") {
    require_bpf();
    NetworkNamespace network;
    require_veth(network);
    const auto has_xdp = [](pid_t) { return run("ip link show dev veth1").out.find("xdp") != std::string::npos; };
    kill_loader("--older --program on_xdp --attach xdp:veth1 " + object_path("network_hooks"), has_xdp);
    CHECK(has_xdp(0));
    CHECK(run("ip link set dev veth1 xdp off").status == 0);
    CHECK_FALSE(has_xdp(0));
}

TEST_CASE("a tc filter stays when its loader is killed, until clsact is removed", "[cli][kernel][killed]") {
    require_bpf();
    NetworkNamespace network;
    require_veth(network);
    LiveGate gate;
    require_clsact(gate);
    const Pins pins;
    const std::string pin = pins / "bss";
    const auto hits_now = [&] { return PinnedMap("network_hooks", pin).variable("hits"); };
    kill_loader("--map .bss.pin=bss --pin-directory " + pins.path + " --program on_tc --attach tc/ingress:veth1 " +
                    object_path("network_hooks"),
                [&](pid_t) {
                    if (!std::filesystem::exists(pin)) return false;
                    send_frame("veth0");
                    return hits_now() > 0;
                });
    const std::uint64_t at_death = hits_now();
    send_frame("veth0");
    CHECK(hits_now() == at_death + 1);
    CHECK(remove_clsact(gate, "veth1"));  // tc qdisc del dev veth1 clsact
    send_frame("veth0");
    CHECK(hits_now() == at_death + 1);
}

TEST_CASE("what BPF_PROG_ATTACH put into a cgroup stays when its loader is killed, until the cgroup is removed",
          "[cli][kernel][killed]") {
    require_bpf();
    std::uint32_t prog_id = 0;
    {
        const TestCgroup cgroup;
        const Pins pins;
        const std::string pin = pins / "bss";
        const auto hits_now = [&] { return PinnedMap("network_hooks", pin).variable("hits"); };
        kill_loader("--older --map .bss.pin=bss --pin-directory " + pins.path +
                        " --program on_sysctl --attach cgroup/sysctl:" + cgroup.path() + " " +
                        object_path("network_hooks"),
                    [&](pid_t) {
                        if (!std::filesystem::exists(pin)) return false;
                        read_sysctl();
                        return hits_now() > 0;
                    });
        const std::uint64_t at_death = hits_now();
        read_sysctl();
        CHECK(hits_now() > at_death);
        for (const auto& program : listed("progs")) {
            if (program["name"] == "on_sysctl") prog_id = program["id"];
        }
        CHECK(prog_id != 0);
    }
    CHECK(is_gone(prog_id));
}

TEST_CASE("a table of functions registered by an update stays when its loader is killed, until its element is deleted",
          "[cli][kernel][killed]") {
    require_kernel_btf();
    kill_loader(object_path("congestion"), [](pid_t) { return is_available("minibpf_update"); });
    CHECK(is_available("minibpf_update"));
    const Said deleted = loader_says("map delete by_update 0");
    INFO(deleted.err);
    CHECK(deleted.status == 0);
    CHECK_FALSE(is_available("minibpf_update"));
}
