// The command on the running kernel: loads, attaches, shows what programs say, leaves nothing behind.
#include <regex>

#include <tests/catch.hpp>
#include <tests/skip.hpp>

#include "command.hpp"

using namespace minibpf::test;

namespace {

void need_root() {
    require_prerequisite(geteuid() == 0, "root");
}

}  // namespace

TEST_CASE("hello says hello for the command that is run", "[cli][kernel]") {
    need_root();
    const Said said = run(loader() + " -q " + prog("hello.bpf.o") + " -c true");
    CHECK(said.status == 0);
    CHECK_THAT(said.out, contains("bpf_trace_printk: Hello World!"));
    CHECK(said.err.empty());
}

// README.md's first command.
TEST_CASE("a .bpf.c is compiled and run", "[cli][kernel]") {
    need_root();
    skip_unless_kernel_has("clang", run("command -v clang").status == 0);  // not in the virtual machines
    const Said said = run("cd " + source_dir().string() + " && " + loader() + " progs/hello.bpf.c -c true");
    INFO(said.err);
    CHECK(said.status == 0);
    CHECK(std::regex_search(said.out, std::regex(R"(loader-\d+ .*: bpf_trace_printk: Hello World!\n)")));
}

TEST_CASE("a .bpf.c is compiled with one's own flags, and its message is theirs", "[cli][kernel]") {
    need_root();
    skip_unless_kernel_has("clang", run("command -v clang").status == 0);
    const TemporaryDirectory directory;
    const std::string file = (directory / "message.bpf.c").string();
    write_file(file,
               "#include \"minibpf_helpers.h\"\nchar LICENSE[] SEC(\"license\") = \"GPL\";\n"
               "SEC(\"tracepoint/syscalls/sys_enter_execve\") int say(void *ctx) { bpf_printk(MESSAGE); return 0; }\n");
    for (const std::string message : {"one thing", "another"}) {
        // In the shell's double quotes, what the shell that runs clang gets: -DMESSAGE='"one thing"'.
        const std::string flags = " \"--cflags=-DMESSAGE='\\\"" + message + "\\\"'\" -c true";
        const Said said = run(loader() + " run -q " + file + flags);
        INFO(said.err);
        CHECK(said.status == 0);
        CHECK(said.err.empty());
        CHECK_THAT(said.out, contains("bpf_trace_printk: " + message + "\n"));
    }
    CHECK(run(loader() + " run -q " + file + " -c true").status == 3);  // there is no MESSAGE
}

TEST_CASE("narration goes to standard error, programs' output to standard output", "[cli][kernel]") {
    need_root();
    const Said said = run(loader() + " " + prog("hello.bpf.o") + " -c true");
    CHECK(said.status == 0);
    CHECK_THAT(said.err, contains("bpf(BPF_PROG_LOAD, {prog_type=BPF_PROG_TYPE_TRACEPOINT") && contains("# "));
    for (const std::string& line : lines_of(said.out)) CHECK_THAT(line, contains("bpf_trace_printk: Hello World!"));
}

TEST_CASE("the smallest program runs from its ELF file and from its raw instructions", "[cli][kernel]") {
    need_root();
    for (const char* file : {"smallest.bpf.o", "smallest.text"}) {
        INFO(file);
        const Said said =
            run(loader() + " -q --type tracepoint --attach tracepoint:syscalls/sys_enter_execve -c true " + prog(file));
        CHECK(said.status == 0);
        CHECK_THAT(said.out, contains("bpf_trace_printk: Get"));
    }
}

TEST_CASE("chapter 4's raw tracepoint has the numbers of the book, and each user gets the message configured",
          "[cli][kernel]") {
    need_root();
    const TemporaryDirectory directory;
    const std::string trace = (directory / "trace").string();
    const Said said = run(
        loader() + " -q --attr-size book --trace=" + trace + " " + prog("chapter4/hello_buffer_config_raw_tp.bpf.o") +
        " --update 'config[0]=\"Hey root!\"' --events output:data_t -c '/bin/true; setpriv --reuid 65534 /bin/true'");
    CHECK(said.status == 0);
    CHECK_THAT(text_file(trace),
               contains("bpf(BPF_RAW_TRACEPOINT_OPEN, {raw_tracepoint={name=\"sys_enter\", prog_fd=6}}, 128) = 7"));
    CHECK(std::regex_search(
        said.out, std::regex(R"(output: \{\.pid = \d+, \.uid = 0, \.command = "[^"]+", \.message = "Hey root!"\})")));
    CHECK(std::regex_search(said.out,
                            std::regex(R"(\.uid = 65534, \.command = "setpriv", \.message = "Hello World"\})")));
}

TEST_CASE("events without a type are bytes, and the types that fit are named", "[cli][kernel]") {
    need_root();
    const Said said = run(loader() + " " + prog("chapter4/hello_buffer_config_raw_tp.bpf.o") + " -c /bin/true");
    CHECK_THAT(said.out, contains("output: 36 bytes from CPU"));
    CHECK_THAT(said.err, contains("--events output:data_t"));
}

TEST_CASE("a ring buffer's events are shown by type, and variables can be set before the load and shown after it",
          "[cli][kernel]") {
    need_root();
    const std::string object = (build_dir() / "tests/data/ring_buffer.bpf.o").string();
    const Said said =
        run(loader() + " -q " + object + " --events events:event_t --show .bss --show counts -c /bin/true");
    CHECK(said.status == 0);
    CHECK(std::regex_search(said.out, std::regex(R"(events: \{\.pid = \d+, \.command = "[^"]+"\})")));
    CHECK(std::regex_search(said.out, std::regex(R"(\.bss: .*seen=[1-9])")));
    CHECK(std::regex_search(said.out, std::regex(R"(counts: \[0\]=)")));
    const Said disabled = run(loader() + " -q " + object + " --set enabled=0 --show .bss -c /bin/true");
    CHECK(disabled.status == 0);
    CHECK_THAT(disabled.out, contains("seen=0"));
    CHECK(disabled.out.find("events:") == std::string::npos);
}

TEST_CASE("a subprogram is called: chapter 3's hello_func names each system call", "[cli][kernel]") {
    need_root();
    const Said said = run(loader() + " -q " + prog("chapter3/hello_func.bpf.o") + " --count 5");
    CHECK(said.status == 0);
    CHECK(lines_of(said.out).size() == 5);
    CHECK(std::regex_search(said.out, std::regex(R"(bpf_trace_printk: Syscall: \d+)")));
}

TEST_CASE("only this object's lines are shown, unless all are asked for", "[cli][kernel]") {
    need_root();
    const std::string other = loader() + " -q " + prog("chapter3/hello_func.bpf.o") + " --no-attach";
    const std::string both =
        " -q --type tracepoint --attach tracepoint:syscalls/sys_enter_execve " + prog("smallest.text") + " -c true";
    CHECK(run(other).status == 0);
    for (const std::string& line : lines_of(run(loader() + both).out)) CHECK_THAT(line, contains(": Get"));
}

TEST_CASE("a run ends after --duration, and --show shows a map meanwhile and at the end", "[cli][kernel]") {
    need_root();
    const Said said = run(loader() + " -q " + prog("chapter4/hello_buffer_config_raw_tp.bpf.o") +
                          " --update 'config[7]=\"seven\"' --show config --interval 200ms --duration 500ms");
    CHECK(said.status == 0);
    CHECK_THAT(said.out, contains("config: [7]="));
    CHECK_THAT(said.out, contains("seven"));
}

TEST_CASE("^C and SIGTERM end a run with status 0, and detach", "[cli][kernel]") {
    need_root();
    for (const std::string signal : {"INT", "TERM"}) {
        INFO(signal);
        const TemporaryDirectory directory;
        const std::string err = (directory / "err").string();
        const Said said = run("(" + wait_for_line("^loader: attached", err, "$$") + "kill -" + signal + " $$) & exec " +
                              loader() + " " + prog("hello.bpf.o") + " 2>" + err);
        CHECK(said.status == 0);
        const std::vector<std::string> narration = lines_of(text_file(err));
        REQUIRE_FALSE(narration.empty());
        CHECK_THAT(narration.back(), contains("close(3)"));
    }
}

TEST_CASE("a per-CPU map takes a value for every CPU and shows each", "[cli][kernel]") {
    need_root();
    const std::string object = (build_dir() / "tests/data/ring_buffer.bpf.o").string();
    const Said said = run(loader() + " -q --no-attach --update 'counts[0]=5' --show counts " + object);
    CHECK(said.status == 0);
    CHECK_THAT(said.out, contains("counts: [0]={cpu0 = 5"));
}

TEST_CASE("a program that sees every system call does not drown in the loader's own", "[cli][kernel]") {
    need_root();
    const Said said = run(loader() + " -q " + prog("chapter3/hello_func.bpf.o") + " --duration 500ms");
    CHECK(said.status == 0);
    std::size_t own = 0;
    for (const std::string& line : lines_of(said.out)) own += line.starts_with("loader-") ? 1 : 0;
    CHECK(own < 500);
}

TEST_CASE("while another process reads trace_pipe the program runs all the same", "[cli][kernel]") {
    need_root();
    const Said said =
        run("exec 3</sys/kernel/tracing/trace_pipe; " + loader() + " " + prog("hello.bpf.o") + " -c true 3<&-");
    CHECK(said.status == 0);
    CHECK((said.err.find("another process reads trace_pipe") != std::string::npos ||
           said.out.find("Hello World!") != std::string::npos));
}

TEST_CASE("a reader that goes away ends the run", "[cli][kernel]") {
    need_root();
    const Said said = run(loader() + " -q " + prog("chapter3/hello_func.bpf.o") + " | head -n 1");
    CHECK(said.status == 0);
    CHECK(lines_of(said.out).size() == 1);
}

TEST_CASE("a program that the verifier rejects exits 1 with the whole log", "[cli][kernel]") {
    need_root();
    const TemporaryDirectory directory;
    write_file(directory / "no_exit.text", std::string("\x18\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x95\0\0\0\0\0\0\0", 24));
    const Said said = run(loader() + " -q --type tracepoint --no-attach " + (directory / "no_exit.text").string());
    CHECK(said.status == 1);
    CHECK_THAT(said.err, contains("R0 !read_ok") && contains("processed") && contains("return"));
}

TEST_CASE("a tracepoint that does not exist exits 3 with the nearest one", "[cli][kernel]") {
    need_root();
    const Said said = run(loader() + " -q --attach hello=tracepoint:syscalls/sys_enter_execv " + prog("hello.bpf.o"));
    CHECK(said.status == 3);
    CHECK_THAT(said.err, contains("syscalls:sys_enter_execve"));
}

TEST_CASE("without privilege a run exits 4 and says what to do, and a plan works", "[cli][kernel]") {
    need_root();
    const std::string as_nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups ";
    const TemporaryDirectory directory;
    std::filesystem::copy(loader(), directory / "loader");
    std::filesystem::copy(prog("hello.bpf.o"), directory / "hello.bpf.o");
    const Said refused =
        run(as_nobody + (directory / "loader").string() + " -q " + (directory / "hello.bpf.o").string());
    CHECK(refused.status == 4);
    CHECK_THAT(refused.err, contains("EPERM") && contains("run as root"));
    const Said planned =
        run(as_nobody + (directory / "loader").string() + " plan " + (directory / "hello.bpf.o").string());
    CHECK(planned.status == 0);
    CHECK_THAT(planned.out, contains("BPF_PROG_LOAD") && contains("perf_event_open"));
}

TEST_CASE("what plan says is what run does", "[cli][kernel]") {
    need_root();
    const TemporaryDirectory directory;
    const std::string arguments =
        " --attr-size book " + prog("chapter4/hello_buffer_config_raw_tp.bpf.o") + " --update 'config[0]=\"Hey!\"'";
    const Said planned = run(loader() + " plan --trace" + arguments);
    const Said ran = run(loader() + " --trace" + arguments + " -c true");
    // Addresses differ from process to process; what only one of the two prints is left out.
    const auto plain = [](const std::string& text) {
        std::vector<std::string> lines;
        for (const std::string& line : lines_of(text)) {
            if (line.starts_with("loader:")) continue;
            lines.push_back(std::regex_replace(std::regex_replace(line, std::regex("0x[0-9a-f]+"), "ADDRESS"),
                                               std::regex(R"( \(DRY RUN\))"), ""));
        }
        return lines;
    };
    CHECK(plain(planned.out) == plain(ran.err));
}

TEST_CASE("a kprobe shows chapter 4's messages, by the PMU, by tracefs and by a link", "[cli][kernel]") {
    need_root();
    skip_unless_kernel_has("kprobe PMU", std::filesystem::exists("/sys/bus/event_source/devices/kprobe"));
    for (const char* how : {"", "--tracefs-kprobes", "--link"}) {
        INFO(how);
        const Said said = run(loader() + " -q " + how + " " + prog("chapter4/hello_buffer_config.bpf.o") +
                              " --update 'config[0]=\"Hey root!\"' --events output:data_t -c /bin/true");
        CHECK(said.status == 0);
        CHECK(std::regex_search(said.out, std::regex(R"(\.uid = 0, \.command = "[^"]+", \.message = "Hey root!"\})")));
        CHECK(text_file("/sys/kernel/tracing/kprobe_events").find("minibpf") == std::string::npos);
    }
}

TEST_CASE("a kernel without kprobes exits 4 and names a way round", "[cli][kernel]") {
    need_root();
    skip_unless_kernel_has("no kprobes", !std::filesystem::exists("/sys/bus/event_source/devices/kprobe"));
    const Said said = run(loader() + " -q " + prog("chapter4/hello_buffer_config.bpf.o"));
    CHECK(said.status == 4);
    CHECK_THAT(said.err, contains("CONFIG_KPROBES") && contains("tracepoint:"));
}

TEST_CASE("a kprobe program runs at a tracepoint or raw tracepoint if --attach says so, and a warning tells",
          "[cli][kernel]") {
    need_root();
    for (const std::string hook : {"tracepoint:syscalls/sys_enter_execve", "raw_tp:sched_process_exec"}) {
        const Said said = run(loader() + " --attach " + hook + " " + prog("chapter2/hello.bpf.o") + " -c true");
        INFO(said.err);
        CHECK(said.status == 0);
        CHECK_THAT(said.out, contains("bpf_trace_printk: Hello World!"));
        CHECK_THAT(said.err, contains("hello was written for ksyscall:execve, and is loaded as a program for " + hook));
    }
    const Said network = run(loader() + " --attach xdp:lo " + prog("chapter2/hello.bpf.o") + " -c true");
    CHECK(network.status == 2);
    CHECK_THAT(network.err, contains("is of type kprobe and cannot be attached to xdp:lo"));
}
