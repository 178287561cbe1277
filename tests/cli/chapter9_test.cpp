// Chapter 9's example: a change of a file's mode is seen by a program, and refused.
#include <filesystem>

#include "example.hpp"

using namespace minibpf::test;

namespace {

bool runs_bpf_lsm() {
    return text_file("/sys/kernel/security/lsm").find("bpf") != std::string::npos;
}

// Attaching needs direct calls from ftrace, which a kernel with kprobes may lack.
bool has_fentry() {
    return run(loader() + " -q --program file_permission " + prog("chapter9/hello_lsm.bpf.o") + " -c true").status == 0;
}

constexpr const char* name = "chapter9_hello_lsm";

}  // namespace

TEST_CASE("chapter 9: a chmod is refused by a program, and another one is only told of", "[cli][kernel][chapter]") {
    require_prerequisite(geteuid() == 0, "root");
    skip_unless_kernel_has("BPF LSM", runs_bpf_lsm());
    const TemporaryDirectory directory;
    for (const char* file : {"secret", "secrets"}) write_file(directory / file, "");
    const auto mode_after = [&](const char* file) { return std::filesystem::status(directory / file).permissions(); };
    const std::string change = "for file in secrets secret; do chmod 0707 " + (directory / "$file").string() +
                               "; echo $file status $?; done 2>&1";
    const auto before = mode_after("secret");
    const Said said = run_example({name, "secret", change, "^bpf.BPF_RAW_TRACEPOINT_OPEN"});
    INFO("standard output: " << said.out);
    INFO("standard error: " << said.err);
    CHECK(said.status == 0);
    CHECK(says(said, "bpf_trace_printk: Change of the mode of secrets to 707$"));
    CHECK(says(said, "bpf_trace_printk: Refused to change the mode of secret to 707$"));
    CHECK(says(said, "Operation not permitted"));
    CHECK(says(said, "^secret status [1-9]"));
    CHECK(says(said, "^secrets status 0$"));
    CHECK(mode_after("secrets") == std::filesystem::perms(0707));
    CHECK(mode_after("secret") == before);
    // The program is gone with the example.
    CHECK(run("chmod 0707 " + (directory / "secret").string()).status == 0);
}

TEST_CASE("chapter 9: a kernel that does not ask BPF programs is told of as such", "[cli][kernel][chapter]") {
    require_prerequisite(geteuid() == 0, "root");
    skip_unless_kernel_has("no BPF LSM", !runs_bpf_lsm());
    const Said said = run_example({name, "secret", "true", "no line like this"});
    INFO("standard error: " << said.err);
    CHECK(said.status == 4);
    // Where the kernel calls no programs from its functions, that is what is missing; where it does, a boot parameter.
    if (has_fentry()) {
        CHECK_THAT(said.err, contains("the kernel does not run BPF's security module") && contains("boot with lsm="));
    } else {
        CHECK_THAT(said.err, contains("loading program 'path_chmod' (SEC lsm/path_chmod): bpf(BPF_PROG_LOAD): EPERM"));
        CHECK_THAT(said.err, contains("this kernel does not attach programs to functions"));
    }
}

TEST_CASE("chapter 9: a kernel that does not attach programs to functions is told of as such",
          "[cli][kernel][chapter]") {
    require_prerequisite(geteuid() == 0, "root");
    skip_unless_kernel_has("no fentry", !has_fentry());
    const Said said = run_example({name, "secret file_permission", "true", "no line like this"});
    INFO("standard error: " << said.err);
    CHECK(said.status == 4);
    CHECK_THAT(said.err, contains("loading program 'file_permission' (SEC ?fentry/security_file_permission): "
                                  "bpf(BPF_PROG_LOAD): EPERM"));
    CHECK_THAT(said.err, contains("this kernel does not attach programs to functions"));
}

TEST_CASE("chapter 9: without a security module fentry tells of reading and writing a file", "[cli][kernel][chapter]") {
    require_prerequisite(geteuid() == 0, "root");
    skip_unless_kernel_has("fentry", has_fentry());
    const TemporaryDirectory directory;
    const std::string file = (directory / "secret").string();
    const Said said = run_example(
        {name, "secret file_permission", "echo words >" + file + "; cat " + file, "^bpf.BPF_RAW_TRACEPOINT_OPEN"});
    INFO("standard output: " << said.out);
    INFO("standard error: " << said.err);
    CHECK(said.status == 0);
    CHECK(says(said, "bpf_trace_printk: Write to secret$"));
    CHECK(says(said, "cat-.*bpf_trace_printk: Read from secret$"));
}

TEST_CASE("chapter 9: the command refuses a chmod as well", "[cli][kernel][chapter]") {
    require_prerequisite(geteuid() == 0, "root");
    skip_unless_kernel_has("BPF LSM", runs_bpf_lsm());
    const TemporaryDirectory directory;
    write_file(directory / "secret", "");
    const Said said = run(loader() + " -q " + prog("chapter9/hello_lsm.bpf.o") +
                          " --set 'file=\"secret\"' -c 'chmod 0707 " + (directory / "secret").string() + "'");
    INFO("standard error: " << said.err);
    CHECK(said.err.find("Operation not permitted") != std::string::npos);
    CHECK(says(said, "Refused to change the mode of secret to 707$"));
}

TEST_CASE("chapter 9: the narration is what strace prints", "[cli][kernel][strace]") {
    require_prerequisite(geteuid() == 0, "root");
    skip_unless_kernel_has("BPF LSM", runs_bpf_lsm());
    compare_example("example_chapter9_hello_lsm", prog("chapter9/hello_lsm.bpf.o") + " secret",
                    "^bpf.BPF_RAW_TRACEPOINT_OPEN", 6);
}

TEST_CASE("chapter 9: the narration of the variant is what strace prints", "[cli][kernel][strace]") {
    require_prerequisite(geteuid() == 0, "root");
    skip_unless_kernel_has("fentry", has_fentry());
    compare_example("example_chapter9_hello_lsm", prog("chapter9/hello_lsm.bpf.o") + " secret file_permission",
                    "^bpf.BPF_RAW_TRACEPOINT_OPEN", 6);
}
