// The command with hooks that are more than a place: iterators, counters, tables of functions, cookies.
#include <algorithm>
#include <regex>

#include <tests/catch.hpp>
#include <tests/skip.hpp>

#include "command.hpp"

using namespace minibpf::test;

namespace {

void require_root_and_btf() {
    require_prerequisite(geteuid() == 0, "root");
    skip_unless_kernel_has("BTF", std::filesystem::exists("/sys/kernel/btf/vmlinux"));
}

std::string test_object(const std::string& name) {
    return (build_dir() / "tests/data" / (name + ".bpf.o")).string();
}

}  // namespace

TEST_CASE("what an iterator writes is standard output, and then the run is over", "[cli][kernel]") {
    require_root_and_btf();
    const Said said = run(loader() + " -q --program tasks " + test_object("iterators"));
    CHECK(said.status == 0);
    CHECK(said.err.empty());
    const std::vector<std::string> lines = lines_of(said.out);
    CHECK(lines.size() > 1);
    for (const std::string& line : lines) {
        CHECK(std::regex_match(line, std::regex(R"(process \d+ thread \d+)")));
    }
}

TEST_CASE("an iterator over a map's elements shows what was put into the map", "[cli][kernel]") {
    require_root_and_btf();
    const std::string command = loader() + " --program elements --attach elements=iter:bpf_map_elem,map=squares " +
                                "--update 'squares[3]=9' --update 'squares[4]=16' " + test_object("iterators");
    const Said said = run(command);
    CHECK(said.status == 0);
    std::vector<std::string> lines = lines_of(said.out);
    std::sort(lines.begin(), lines.end());
    CHECK(lines == std::vector<std::string>{"3 squared is 9", "4 squared is 16"});
    CHECK_THAT(said.err, contains("attach_type=BPF_TRACE_ITER") && contains("bpf(BPF_ITER_CREATE, "));
    const Said without = run(loader() + " -q --program elements " + test_object("iterators"));
    CHECK(without.status != 0);
    CHECK_THAT(without.err, contains("map=NAME"));
}

TEST_CASE("a program on the kernel's clock runs on every CPU for as long as the command", "[cli][kernel]") {
    require_root_and_btf();
    const Said said = run(loader() + " -q --program count_samples --attach perf_event:cpu-clock@999 --show .bss " +
                          test_object("perf_events") + " -c 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done'");
    INFO(said.out << said.err);
    CHECK(said.status == 0);
    CHECK(std::regex_search(said.out, std::regex(R"(samples=[1-9])")));
    const Said misspelt = run(loader() + " -q --attach perf_event:cpu-clok@99 " + test_object("perf_events"));
    CHECK(misspelt.status == 2);
    CHECK_THAT(misspelt.err, contains("cpu-clock"));
}

TEST_CASE("a table of functions is registered while the command runs", "[cli][kernel]") {
    require_root_and_btf();
    const std::string available = "cat /proc/sys/net/ipv4/tcp_available_congestion_control";
    const Said said = run(loader() + " " + test_object("congestion") + " -c '" + available + "'; " + available);
    INFO(said.err);
    CHECK(said.status == 0);
    CHECK_THAT(said.err, contains("attached: by_update as struct_ops"));
    const std::vector<std::string> lines = lines_of(said.out);
    REQUIRE(lines.size() == 2);
    CHECK_THAT(lines[0], contains("minibpf_update"));
    CHECK_THAT(lines[1], !contains("minibpf_update"));
}

TEST_CASE("what --cookie says is what bpf_get_attach_cookie() gives", "[cli][kernel]") {
    require_root_and_btf();
    const std::string object = test_object("kernel_hooks") + " --program read_cookie";
    const Said said = run(loader() + " --cookie read_cookie=4660 --trace " + object + " -c true");
    CHECK(said.status == 0);
    CHECK_THAT(said.err, contains("perf_event={bpf_cookie=0x1234}"));
    CHECK(run(loader() + " -q --cookie read_cookie=much " + object).status == 2);
    CHECK(run(loader() + " -q --cookie nobody=1 " + object).status == 3);
}

// One program is loaded for one kind of probe: --attach says which before the load.

TEST_CASE("a kprobe program runs at many functions if --attach says so", "[cli][kernel]") {
    require_root_and_btf();
    skip_unless_kernel_has("fprobe", run("grep -q ' register_fprobe_ips$' /proc/kallsyms").status == 0);
    for (const char* attach : {"--program at_entry --attach at_entry=kprobe.multi:__x64_sys_execve",
                               "--program at_entry --attach 'at_entry=kprobe.multi:__x64_sys_execv*'",
                               "--program at_entry --attach at_entry=kretprobe.multi:__x64_sys_execve"}) {
        const Said said = run(loader() + " -q " + prog("side_by_side.bpf.o") + " " + attach + " -c 'ls /'");
        INFO(attach << said.err);
        CHECK(said.status == 0);
        CHECK_THAT(said.out, contains("Hello from a kprobe"));
    }
    const Said both = run(loader() + " -q " + prog("side_by_side.bpf.o") +
                          " --program at_entry --attach at_entry=kprobe.multi:__x64_sys_execve "
                          "--attach at_entry=kprobe.session:__x64_sys_execve -c true");
    CHECK(both.status == 2);
    CHECK_THAT(both.err, contains("was loaded for kprobe.session"));
}

TEST_CASE("a kprobe program runs at a function of a file by uprobe.multi if --attach says so", "[cli][kernel]") {
    require_root_and_btf();
    skip_unless_kernel_has("uprobes", std::filesystem::exists("/sys/bus/event_source/devices/uprobe"));
    const std::string hook = "uprobe.multi:" + loader() + ":main";
    const Said said = run(loader() + " -q " + prog("side_by_side.bpf.o") +
                          " --program at_entry --attach at_entry=" + hook + " -c '" + loader() + " --version'");
    INFO(said.err);
    skip_unless_kernel_has("uprobe.multi", run("grep -q ' bpf_uprobe_multi_link_attach$' /proc/kallsyms").status == 0);
    CHECK(said.status == 0);
    CHECK_THAT(said.out, contains("Hello from a kprobe"));
}

TEST_CASE("the option maxactive is for the kretprobes of an object, and its kprobes are attached beside them",
          "[cli][kernel]") {
    require_prerequisite(geteuid() == 0, "root");
    skip_unless_kernel_has("kprobes", std::filesystem::exists("/sys/kernel/tracing/kprobe_events"));
    const std::string object = loader() + " --trace " + prog("side_by_side.bpf.o");
    const Said said = run(object +
                          " --program at_entry --program at_return --maxactive 64 --attach "
                          "at_entry=kprobe:do_unlinkat --attach at_return=kretprobe:do_unlinkat -c true");
    INFO(said.err);
    CHECK(said.status == 0);
    CHECK_THAT(said.err, contains("\"r64:minibpf/") && contains("attached: at_entry at kprobe:do_unlinkat") &&
                             contains("attached: at_return at kretprobe:do_unlinkat"));
    const Said none = run(object + " --program at_entry --maxactive 64 --attach at_entry=kprobe:do_unlinkat -c true");
    CHECK(none.status == 2);
    CHECK_THAT(none.err, contains("no program is attached as a kretprobe"));
}

TEST_CASE("a hook that the load settles can be named on the command line", "[cli][kernel]") {
    require_root_and_btf();
    const std::string object = " --program on_tp_btf " + test_object("tracing_hooks");
    const Said said = run(loader() + object + " --attach on_tp_btf=tp_btf:sys_exit -c true");
    INFO(said.err);
    CHECK(said.status == 0);
    CHECK_THAT(said.err, contains("attached: on_tp_btf at tp_btf:sys_exit"));
    const Said misspelt = run(loader() + " -q" + object + " --attach on_tp_btf=tp_btf:sys_exitt -c true");
    CHECK(misspelt.status == 3);
    CHECK_THAT(misspelt.err, contains("did you mean") && contains("sys_exit"));
}
