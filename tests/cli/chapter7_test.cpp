// Chapter 7's example: one event, seen by programs of six types.
#include <array>

#include "example.hpp"

using namespace minibpf::test;

namespace {

constexpr const char* name = "chapter7_hello";

std::string seen_by(const std::string& hook) {
    return "^[0-9]+ +0 +[1-9] +\\S+ +" + hook + " +";
}

}  // namespace

TEST_CASE("chapter 7: tracepoints of all three kinds see an exec, each by its name", "[cli][kernel][chapter]") {
    require_prerequisite(geteuid() == 0, "root");
    const Said said = run_example({name, "", "/bin/true", "^bpf.BPF_RAW_TRACEPOINT_OPEN.*sched_process_exec"});
    INFO("standard output: " << said.out);
    INFO("standard error: " << said.err.substr(0, 8000));
    CHECK(said.status == 0);
    CHECK(says(said, seen_by("tp")));
    CHECK(says(said, seen_by("tp_btf") + "/bin/true$"));
    CHECK(says(said, seen_by("raw_tp") + "/bin/true$"));
    CHECK_FALSE(says(said, "^[0-9]+ +0 +[78] +\\S+ +\\S+ +/bin/true$"));  // there are six hooks
}

TEST_CASE("chapter 7: kprobes and fentry see an exec between its tracepoints", "[cli][kernel][chapter]") {
    skip_unless_kernel_has("kprobe PMU", has_kprobes());
    const Said said = run_example({name, "", "/bin/true", "^bpf.BPF_RAW_TRACEPOINT_OPEN.*sched_process_exec"});
    INFO("standard output: " << said.out);
    INFO("standard error: " << said.err.substr(0, 8000));
    CHECK(said.status == 0);
    CHECK(says(said, seen_by("ksyscall")));
    CHECK(says(said, "^[0-9]+ +0 +[34] +\\S+ +kprobe +/bin/true$"));
    CHECK(says(said, "^[0-9]+ +0 +[34] +\\S+ +fentry +/bin/true$"));
    CHECK(says(said, "^[0-9]+ +0 +[56] +true +tp_btf +/bin/true$"));
    CHECK(said.err.find("without ") == std::string::npos);
}

TEST_CASE("chapter 7: a hook that the kernel lacks is named, and the others go on", "[cli][kernel][chapter]") {
    require_prerequisite(geteuid() == 0, "root");
    skip_unless_kernel_has("no kprobes", !has_kprobes());
    const Said said = run_example({name, "", "/bin/true", "^bpf.BPF_RAW_TRACEPOINT_OPEN.*sched_process_exec"});
    INFO("standard error: " << said.err.substr(0, 8000));
    CHECK(said.status == 0);
    for (const char* program : {"without ksyscall_execve: ", "without kprobe_exec: "})
        CHECK(said.err.find(program) != std::string::npos);
    CHECK(said.err.find("this kernel has no kprobes") != std::string::npos);
    CHECK(says(said, seen_by("raw_tp")));
}

TEST_CASE("chapter 7: the command shows the same events", "[cli][kernel][chapter]") {
    require_prerequisite(geteuid() == 0, "root");
    const Said said =
        run(loader() + " -q --keep-going " + prog("chapter7/hello.bpf.o") + " --events output:data_t -c /bin/true");
    INFO("standard output: " << said.out);
    INFO("standard error: " << said.err);
    for (const char* hook : {"tp", "tp_btf", "raw_tp"}) CHECK(says(said, "hook = \"" + std::string(hook) + "\".*"));
}

TEST_CASE("chapter 7: the narration is what strace prints", "[cli][kernel][strace]") {
    compare_example("example_chapter7_hello", prog("chapter7/hello.bpf.o"), "^bpf.BPF_RAW_TRACEPOINT_OPEN.*exec", 20);
    for (const char* program : {"tp_sys_enter_execve", "tp_btf_exec", "raw_tp_exec"}) {
        compare_example("example_chapter7_hello", prog("chapter7/hello.bpf.o") + " " + program,
                        "^ioctl.*SET_BPF|^bpf.BPF_RAW_TRACEPOINT_OPEN", 6);
    }
}
