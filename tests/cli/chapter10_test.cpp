// Chapter 10's examples: the tables of the well-known tools.
#include "example.hpp"

using namespace minibpf::test;

namespace {

// A connection to a port where nobody listens. sh has no /dev/tcp everywhere, bash has.
constexpr const char* connect_to_port_9 = "bash -c \"echo > /dev/tcp/127.0.0.1/9\" 2>/dev/null";
constexpr const char* connection = R"(^[0-9]+ +bash +4 +127\.0\.0\.1 +127\.0\.0\.1 +9$)";

constexpr const char* both_tracepoints = "^ioctl.[0-9]+, PERF_EVENT_IOC_ENABLE";

void require_root_and_bash() {
    require_prerequisite(geteuid() == 0, "root");
    require_prerequisite(run("command -v bash").status == 0, "bash");
}

}  // namespace

TEST_CASE("chapter 10: opensnoop shows opened files, and those that could not be", "[cli][kernel][chapter]") {
    require_prerequisite(geteuid() == 0, "root");
    const Said said = run_example(
        {"chapter10_opensnoop", "", "cat /etc/passwd > /dev/null; cat /no/such/file 2> /dev/null", both_tracepoints});
    INFO("standard output: " << said.out.substr(0, 4000));
    INFO("standard error: " << said.err.substr(0, 4000));
    CHECK(said.status == 0);
    CHECK(says(said, "^PID +COMM +FD ERR PATH$"));
    CHECK(says(said, "^[1-9][0-9]* +cat +[1-9][0-9]* +0 /etc/passwd$"));
    CHECK(says(said, "^[1-9][0-9]* +cat +-1 +2 /no/such/file$"));
}

TEST_CASE("chapter 10: execsnoop shows arguments and results", "[cli][kernel][chapter]") {
    require_prerequisite(geteuid() == 0, "root");
    const Said said =
        run_example({"chapter10_execsnoop", "", "/bin/true one \"two words\"; /no/such/program three 2> /dev/null",
                     both_tracepoints});
    INFO("standard output: " << said.out.substr(0, 4000));
    INFO("standard error: " << said.err.substr(0, 4000));
    CHECK(said.status == 0);
    CHECK(says(said, "^PCOMM +PID +PPID +RET ARGS$"));
    CHECK(says(said, "^true +[1-9][0-9]* +[1-9][0-9]* +0 \\S*/true one two words $"));
    CHECK(says(said, "^\\w+ +[1-9][0-9]* +[1-9][0-9]* +-2 /no/such/program three $"));
}

TEST_CASE("chapter 10: tcpconnect shows who connects where, by a tracepoint", "[cli][kernel][chapter]") {
    require_root_and_bash();
    check_says({"chapter10_tcpconnect", "state_changes", connect_to_port_9, both_tracepoints}, connection);
}

TEST_CASE("chapter 10: tcpconnect shows who connects where, by kprobes", "[cli][kernel][chapter]") {
    require_root_and_bash();
    skip_unless_kernel_has("kprobe PMU", has_kprobes());
    check_says({"chapter10_tcpconnect", "", connect_to_port_9, both_tracepoints}, connection);
}

TEST_CASE("chapter 10: without kprobes tcpconnect says so", "[cli][kernel][chapter]") {
    require_prerequisite(geteuid() == 0, "root");
    skip_unless_kernel_has("no kprobes", !has_kprobes());
    const Said said = run_example({"chapter10_tcpconnect", "", "true", "no line like this"});
    CHECK(said.status == 4);
    CHECK(said.err.find("this kernel has no kprobes") != std::string::npos);
}

// `busy` is a shell command that does not end by itself; the stacks of that process alone. It lives until after the
// end, when its addresses are looked up.
Said profile_of(const std::string& busy) {
    const TemporaryDirectory directory;
    const std::string err = (directory / "narration").string();
    Said said = run("(ulimit -t 30; exec " + busy + ") & busy=$!; " + program_of("chapter10_profile") + " " +
                    object_of("chapter10_profile") + " $busy 2>" + err +
                    " & pid=$!; sleep 3; kill -INT $pid; wait $pid; status=$?; kill $busy; exit $status");
    said.err += text_file(err);
    return said;
}

TEST_CASE("chapter 10: profile finds what a process does in the kernel, by the functions' names",
          "[cli][kernel][chapter]") {
    require_prerequisite(geteuid() == 0, "root");
    const Said said = profile_of("dd if=/dev/zero of=/dev/null bs=1M 2>/dev/null");
    INFO("standard output: " << said.out.substr(0, 8000));
    INFO("standard error: " << said.err.substr(0, 4000));
    CHECK(said.status == 0);
    CHECK(says(said, "^    vfs_read(\\+0x[0-9a-f]+)?$"));
    CHECK(says(said, "^    - +dd \\([1-9][0-9]*\\)$"));
    CHECK(says(said, "^        [1-9][0-9]*$"));
}

TEST_CASE("chapter 10: profile finds what a process does by itself, by its file and its functions' names",
          "[cli][kernel][chapter]") {
    require_root_and_bash();
    const Said said = profile_of("bash -c \"while :; do :; done\"");
    INFO("standard output: " << said.out.substr(0, 8000));
    INFO("standard error: " << said.err.substr(0, 4000));
    CHECK(said.status == 0);
    CHECK(says(said, "^    (bash\\+0x[0-9a-f]+|\\w*(execute|expand|command)\\w*(\\+0x[0-9a-f]+)?)$"));
    CHECK(says(said, "^    - +bash \\([1-9][0-9]*\\)$"));
    CHECK(says(said, "^        [1-9][0-9]*$"));
}

TEST_CASE("chapter 10: the command shows the same events", "[cli][kernel][chapter]") {
    require_root_and_bash();
    const Said opened =
        run(loader() + " -q " + prog("chapter10/opensnoop.bpf.o") + " --events events:event -c 'cat /no/such/file'");
    INFO("standard output: " << opened.out.substr(0, 4000));
    CHECK(says(opened, "result = -2.*path = \"/no/such/file\""));
    const Said executed =
        run(loader() + " -q " + prog("chapter10/execsnoop.bpf.o") + " --events events:event -c /bin/true");
    INFO("standard output: " << executed.out.substr(0, 4000));
    CHECK(says(executed, "command = \"true\""));
    const Said connected = run(loader() + " -q " + prog("chapter10/tcpconnect.bpf.o") +
                               " --program state_changes --events events:event -c '" + connect_to_port_9 + "'");
    INFO("standard output: " << connected.out);
    CHECK(says(connected, "to = \\{127, 0, 0, 1\\}.*port = 9"));
    const Said profiled = run(loader() + " -q " + prog("chapter10/profile.bpf.o") +
                              " --attach sample=perf_event:cpu-clock@99 --show counts -c 'timeout 1 bash -c \"while :; "
                              "do :; done\"'");
    INFO("standard output: " << profiled.out.substr(0, 4000));
    CHECK(says(profiled, "command = \"bash\""));
}

TEST_CASE("chapter 10: the narration is what strace prints", "[cli][kernel][strace]") {
    for (const char* name : {"opensnoop", "execsnoop"}) {
        compare_example(std::string("example_chapter10_") + name, prog(std::string("chapter10/") + name + ".bpf.o"),
                        both_tracepoints, 8);
    }
    compare_example("example_chapter10_tcpconnect", prog("chapter10/tcpconnect.bpf.o") + " state_changes",
                    both_tracepoints, 6);
    compare_example("example_chapter10_profile", prog("chapter10/profile.bpf.o"),
                    "^ioctl.[0-9]+, PERF_EVENT_IOC_SET_BPF", 6);
}

TEST_CASE("chapter 10: the narration of kprobes is what strace prints", "[cli][kernel][strace]") {
    skip_unless_kernel_has("kprobe PMU", has_kprobes());
    compare_example("example_chapter10_tcpconnect", prog("chapter10/tcpconnect.bpf.o"), both_tracepoints, 8);
}
