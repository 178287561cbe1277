// Probes in user space by the command: programs and libraries found by name, and what is said when they are not.
#include <regex>

#include <tests/catch.hpp>
#include <tests/skip.hpp>

#include "command.hpp"

using namespace minibpf::test;

namespace {

void need_uprobes() {
    require_prerequisite(geteuid() == 0, "root");
    skip_unless_kernel_has("uprobes", std::filesystem::exists("/sys/bus/event_source/devices/uprobe"));
}

std::string data_object(const std::string& name) {
    return (build_dir() / "tests/data" / name).string();
}

}  // namespace

TEST_CASE("functions of a library and of a program are probed where sections say, by each way", "[cli][kernel]") {
    need_uprobes();
    for (const char* how : {"", "--tracefs-kprobes", "--link"}) {
        INFO(how);
        const Said said = run(loader() + " -q " + how + " " + data_object("uprobes_of_programs.bpf.o") +
                              " -c \"nice; bash -c 'type true'\"");
        INFO(said.err);
        CHECK(said.status == 0);
        CHECK_THAT(said.out, contains("getpriority() was called") && contains("bash has its variables"));
        CHECK(text_file("/sys/kernel/tracing/uprobe_events").find("minibpf") == std::string::npos);
    }
}

TEST_CASE("a kprobe program is put by --attach on a function of a program in $PATH", "[cli][kernel]") {
    need_uprobes();
    const Said said =
        run(loader() + " -q --type kprobe --attach uprobe:bash:parse_and_execute -c \"bash -c 'type true'\" " +
            prog("smallest.text"));
    INFO(said.err);
    CHECK(said.status == 0);
    CHECK_THAT(said.out, contains("bpf_trace_printk: Get"));
}

TEST_CASE("a probe is kept to one process by --pid", "[cli][kernel]") {
    need_uprobes();
    const Said said = run("sleep 10 & other=$!; " + loader() + " -q --pid $other " +
                          data_object("uprobes_of_programs.bpf.o") + " -c nice; status=$?; kill $other; exit $status");
    INFO(said.err);
    CHECK(said.status == 0);
    CHECK(said.out.find("getpriority") == std::string::npos);
    CHECK(run(loader() + " -q --pid 0 " + data_object("uprobes_of_programs.bpf.o")).status == 2);
}

TEST_CASE("a function or a file that does not exist exits 3, and wrong notation 2", "[cli][kernel]") {
    need_uprobes();
    const auto attach = [](const std::string& hook) {
        return run(loader() + " -q --type kprobe --attach " + hook + " " + prog("smallest.text"));
    };
    const Said misspelt = attach("uprobe:libc:getpriorty");
    CHECK(misspelt.status == 3);
    CHECK_THAT(misspelt.err, contains("did you mean getpriority?"));
    CHECK(attach("uprobe:/no/such/file:main").status == 3);
    CHECK(attach("uprobe:no_such_program:main").status == 3);
    CHECK(attach("usdt:/proc/self/exe:some:probe").status == 3);
    CHECK(attach("uprobe:libc").status == 2);
    CHECK(attach("usdt:libc:setjmp").status == 2);
}

TEST_CASE("an indirect function is refused, and what to probe instead is said", "[cli][kernel]") {
    need_uprobes();
    const Said said = run(loader() + " -q --type kprobe --attach uprobe:libc:memcpy " + prog("smallest.text"));
    CHECK(said.status == 3);
    CHECK_THAT(said.err, contains("indirect function"));
}

TEST_CASE("a plan of a uprobe makes none, and needs no privilege", "[cli]") {
    const Said said =
        run(loader() + " plan --trace --type kprobe --attach uprobe:libc:getpriority " + prog("smallest.text"));
    INFO(said.err);
    CHECK(said.status == 0);
    CHECK_THAT(said.out, contains("perf_event_open({type=0x") && contains("(DRY RUN)"));
}

TEST_CASE("what a killed loader left in tracefs is removed by the next one that makes probes there", "[cli][kernel]") {
    need_uprobes();
    const pid_t child = fork();
    if (child == 0) _exit(0);
    waitpid(child, nullptr, 0);
    const std::string of_dead = "minibpf/u_true_1000_" + std::to_string(child) + "_1";
    const std::string of_living = "minibpf/u_true_1000_" + std::to_string(getpid()) + "_1";
    const char* list = "/sys/kernel/tracing/uprobe_events";
    const auto add = [&](const std::string& line) { CHECK(run("echo '" + line + "' >> " + list).status == 0); };
    for (const std::string& event : {of_dead, of_living}) add("p:" + event + " /bin/bash:0x40000");
    REQUIRE_THAT(text_file(list), contains(of_dead) && contains(of_living));
    const std::string attach = " --tracefs-kprobes --type kprobe --attach uprobe:bash:0x40000 -c true ";

    const Said planned = run(loader() + " plan" + attach + prog("smallest.text"));
    CHECK_THAT(planned.out, contains("-:" + of_dead));
    CHECK_THAT(text_file(list), contains(of_dead));

    const Said said = run(loader() + attach + prog("smallest.text"));
    INFO(said.err);
    CHECK(said.status == 0);
    CHECK_THAT(said.err, contains("-:" + of_dead));
    CHECK_THAT(text_file(list), !contains(of_dead) && contains(of_living));
    add("-:" + of_living);
    CHECK(text_file(list).find("minibpf/") == std::string::npos);
}
