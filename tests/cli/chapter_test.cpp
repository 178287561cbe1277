// The book's examples, chapter by chapter: each runs until ^C while the event that it is about is provoked, and says
// what its chapter says it would. That its narration is strace's is strace_test.cpp's business.
#include <algorithm>
#include <ctime>

#include <sys/syscall.h>

#include "example.hpp"

using namespace minibpf::test;

namespace {

// An event: /bin/true is executed by user 1000, who has no name everywhere.
constexpr const char* as_user_1000 = "setpriv --reuid=1000 --clear-groups /bin/true; ";

// The counts of all users, again and again. What setpriv is executed by is root.
void check_map_example(const std::string& hook) {
    const std::string event = std::string(as_user_1000) + as_user_1000 + as_user_1000 + "sleep 4.5";
    const Said said = run_example({"chapter2_hello_map", hook, event, attached});
    INFO("standard output: " << said.out.substr(0, 4000));
    INFO("standard error: " << said.err.substr(0, 4000));
    CHECK(said.status == 0);
    const std::vector<std::string> lines = lines_of(said.out);
    CHECK(lines.size() >= 2);
    const std::regex root("ID 0: [1-9][0-9]*(\t|$)"), user("ID 1000: 3(\t|$)");
    CHECK(std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
        return std::regex_search(line, root) && std::regex_search(line, user);
    }));
}

// Chapter 2's probes of execve, each attached to `hook` in the place of the kprobe, or to the kprobe when that is
// empty.
void check_execve_examples(const std::string& hook) {
    check_says({"chapter2_hello", hook, "true; /bin/true", attached}, R"(bpf_trace_printk: Hello World!$)");
    check_map_example(hook);
    check_says({"chapter2_hello_buffer", hook, "/bin/true", waits_for_buffer}, R"(^[1-9][0-9]* 0 \w+ Hello World$)");
}

}  // namespace

TEST_CASE("chapter 2: execve is seen by a kprobe", "[cli][kernel][chapter]") {
    skip_unless_kernel_has("kprobe PMU", has_kprobes());
    check_execve_examples("");
}

TEST_CASE("chapter 2: where there are no kprobes, other hooks of execve do", "[cli][kernel][chapter]") {
    require_prerequisite(geteuid() == 0, "root");
    check_execve_examples("tracepoint:syscalls/sys_enter_execve");
    check_execve_examples("raw_tp:sched_process_exec");
}

TEST_CASE("chapter 2: a kernel without kprobes is told of as such, and how one knows", "[cli][kernel][chapter]") {
    require_prerequisite(geteuid() == 0, "root");
    skip_unless_kernel_has("no kprobes", !has_kprobes());
    const Said said = run_example({"chapter2_hello", "", "true", "kprobe_events"});
    CHECK(said.status == 4);
    CHECK(said.err.find("this kernel has no kprobes") != std::string::npos);
    CHECK(said.err.find("kprobe/type") != std::string::npos);
    CHECK(said.err.find("tracepoint:syscalls/sys_enter_execve") != std::string::npos);
}

TEST_CASE("the smallest example prints what its program says, from an ELF file and from bare instructions",
          "[cli][kernel][chapter]") {
    require_prerequisite(geteuid() == 0, "root");
    for (const char* file : {"smallest.bpf.o", "smallest.text"}) {
        INFO(file);
        const Said said = run_program({"smallest", prog(file), "true; /bin/true", attached});
        INFO("standard error: " << said.err.substr(0, 4000));
        CHECK(said.status == 0);
        CHECK(says(said, "bpf_trace_printk: Get$"));
    }
}

TEST_CASE("chapter 2: opened files are seen by a tracepoint, in trace_pipe and in a ring buffer",
          "[cli][kernel][chapter]") {
    require_prerequisite(geteuid() == 0, "root");
    const std::string event = "cat /etc/hostname >/dev/null";
    check_says({"chapter2_hello_file", "", event, attached}, "bpf_trace_printk: cat opens /etc/hostname$");
    check_says({"chapter2_hello_file_ring_buffer", "", event, waits_for_buffer}, "^cat - /etc/hostname$");
}

// No test, but what others run as a command of their own.
TEST_CASE("a timer is made and deleted", "[.timer]") {
    sigevent event{};
    event.sigev_notify = SIGEV_NONE;
    int timer = -1;  // the kernel's number, not the C library's
    REQUIRE(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer) == 0);
    CHECK(syscall(SYS_timer_delete, timer) == 0);
}

namespace {

// Each system call of the machine prints a line, so some are lost where it has much to do.
std::string make_timers() {
    return "for i in 1 2 3 4 5 6 7 8; do " + (build_dir() / "bin/cli_tests").string() +
           " [.timer] >/dev/null; sleep 0.2; done";
}

}  // namespace

TEST_CASE("chapter 2: tail calls tell execve and timers from other system calls", "[cli][kernel][chapter]") {
    require_prerequisite(geteuid() == 0, "root");
    const Said said = run_example({"chapter2_hello_tail", "", make_timers(), attached});
    INFO("standard error: " << said.err.substr(0, 4000));
    CHECK(said.status == 0);
    CHECK(says(said, "bpf_trace_printk: Executing a program$"));
    CHECK(says(said, "^ *cli_tests-.*bpf_trace_printk: Creating a timer$"));
    CHECK(says(said, "^ *cli_tests-.*bpf_trace_printk: Deleting a timer$"));
    CHECK(says(said, "bpf_trace_printk: Another syscall: [0-9]+$"));
    CHECK_FALSE(says(said, "Another syscall: (0|1|59)$"));  // read and write are ignored, execve has its own
}

TEST_CASE("chapter 2: the command fills the table of tail calls, and attaches only the program that jumps",
          "[cli][kernel][chapter]") {
    require_prerequisite(geteuid() == 0, "root");
    const Said said = run(loader() + " " + prog("chapter2/hello_tail.bpf.o") +
                          " --update 'syscalls[59]=hello_exec' --update 'syscalls[222]=hello_timer'"
                          " --update 'syscalls[1]=ignore_opcode' -c '" +
                          make_timers() + "'");
    INFO("standard error: " << said.err.substr(0, 4000));
    CHECK(said.status == 0);
    CHECK(says(said, "bpf_trace_printk: Executing a program$"));
    CHECK(says(said, "^ *cli_tests-.*bpf_trace_printk: Creating a timer$"));
    CHECK(says(said, "^ *cli_tests-.*bpf_trace_printk: Another syscall: 226$"));  // timer_delete has no slot
    CHECK_FALSE(says(said, "Another syscall: (1|59|222)$"));
    CHECK(said.err.find("loader: attached: hello at raw_tp:sys_enter\n") != std::string::npos);
    CHECK(said.err.find("hello_exec at") == std::string::npos);
}

TEST_CASE("chapter 3: XDP counts packets in a global variable", "[cli][kernel][chapter]") {
    require_prerequisite(geteuid() == 0, "root");
    const TemporaryDirectory directory;
    const Said said =
        run("unshare -n sh -c 'cd " + (directory / "").string() + "; ip link set lo up; " +
            (build_dir() / "examples/example_chapter3_hello").string() + " " + prog("chapter3/hello.bpf.o") +
            " lo 2>narration & pid=$!; " + wait_for_line("^bpf.BPF_LINK_CREATE", "narration", "$pid") +
            "(echo x >/dev/udp/127.0.0.1/9) 2>/dev/null; timeout 2 bash -c \"echo x >/dev/udp/127.0.0.1/9; echo x "
            ">/dev/udp/127.0.0.1/9\"; sleep 0.5; "
            "kill -INT $pid; wait $pid'");
    INFO("standard output: " << said.out);
    INFO("standard error: " << said.err);
    CHECK(said.status == 0);
    CHECK(says(said, "bpf_trace_printk: Hello World 0$"));
    CHECK(says(said, "^counter = [2-9]$"));
}

TEST_CASE("chapter 3: a program with a subprogram prints each system call's number", "[cli][kernel][chapter]") {
    require_prerequisite(geteuid() == 0, "root");
    check_says({"chapter3_hello_func", "", "/bin/true", attached}, "bpf_trace_printk: Syscall: 59$");
}

namespace {

// Root, user 1000 and somebody else execute something: what the example says to each.
void check_messages(const std::string& name, const std::string& arguments, const std::vector<std::string>& expected) {
    INFO(name << " " << arguments);
    const std::string event =
        "/bin/true; " + std::string(as_user_1000) + "setpriv --reuid=4711 --clear-groups /bin/true";
    const Said said = run_example({name, arguments, event, waits_for_buffer});
    INFO("standard output: " << said.out.substr(0, 4000));
    INFO("standard error: " << said.err.substr(0, 4000));
    CHECK(said.status == 0);
    for (const std::string& line : expected) {
        INFO(line);
        CHECK(says(said, line));
    }
    // Nobody gets another's message.
    CHECK_FALSE(says(said, R"(^\d+ [^0]\d* .*Hey root!|^\d+ (?!1000 )\d+ .*Hi user 1k!)"));
}

// The first message is root's, the second user 1000's, and all others get the program's own.
void check_chapter4(const std::string& name, const std::string& hook) {
    check_messages(name, hook,
                   {R"(^\d+ 0 \w+ Hey root!$)", R"(^\d+ 1000 \w+ Hi user 1k!$)", R"(^\d+ 4711 \w+ Hello World$)"});
}

// Only root has a message of its own; the others' is in .data.
void check_chapter5(const std::string& program) {
    check_messages("chapter5_hello_buffer_config", program,
                   {R"(^\d+ 0 \w+ /bin/true Hey root!$)", R"(^\d+ 1000 setpriv /bin/true Hello World$)",
                    R"(^\d+ 4711 setpriv /bin/true Hello World$)"});
}

// And which that is, one can say before the load.
void check_set_message(const std::string& program) {
    const Said said =
        run(loader() + " -q " + prog("chapter5/hello_buffer_config.bpf.o") + " --program " + program +
            " --set 'message=\"Goodbye\"' --update 'my_config[0]=\"Hey root!\"' --events output:data_t -c '" +
            as_user_1000 + "'");
    INFO("standard output: " << said.out);
    INFO("standard error: " << said.err);
    CHECK(said.status == 0);
    CHECK(says(said, R"(\.uid = 0, .*\.message = "Hey root!")"));
    CHECK(says(said, R"(\.uid = 1000, .*\.message = "Goodbye")"));
}

}  // namespace

TEST_CASE("chapters 4 and 5: each user gets a message, from a kprobe", "[cli][kernel][chapter]") {
    skip_unless_kernel_has("kprobe PMU", has_kprobes());
    check_chapter4("chapter4_hello_buffer_config", "");
    check_chapter4("chapter4_hello_ring_buffer_config", "");
    check_chapter5("");
    check_set_message("hello");
}

TEST_CASE("chapters 4 and 5: each user gets a message, where there are no kprobes", "[cli][kernel][chapter]") {
    require_prerequisite(geteuid() == 0, "root");
    check_chapter4("chapter4_hello_buffer_config_raw_tp", "");
    check_chapter4("chapter4_hello_ring_buffer_config", "raw_tp:sched_process_exec");
    check_chapter5("hello_tp");
    check_set_message("hello_tp");
}

TEST_CASE("chapter 5: a map is found by its pin and by its name", "[cli][kernel][chapter]") {
    require_prerequisite(geteuid() == 0, "root");
    const std::string pin = "/sys/fs/bpf/minibpf_chapter5_" + std::to_string(getpid());
    const std::string find = (build_dir() / "examples/example_chapter5_find_map").string() + " ";
    const std::string inside = find + pin + "/my_config && " + find + "my_config";
    const Said said =
        run("mkdir " + pin + " && " + loader() + " -q --no-attach --program hello_tp --map my_config.pin=my_config " +
            "--pin-directory " + pin + " " + prog("chapter5/hello_buffer_config.bpf.o") + " -c '" + inside +
            "'; rm -f " + pin + "/my_config; rmdir " + pin);
    INFO(said.err);
    CHECK(said.status == 0);
    const std::vector<std::string> lines = lines_of(said.out);
    REQUIRE(lines.size() >= 2);
    CHECK(std::regex_match(lines[0], std::regex("name my_config, id [1-9][0-9]*")));
    CHECK(std::count(lines.begin() + 1, lines.end(), lines[0]) == 1);
    const Said none = run(find + "there_is_no_such_map");
    CHECK(none.status == 3);
    CHECK(none.out.empty());
}

TEST_CASE("chapter 6: the verifier's whole log is shown, and each mistake with its words and what they mean",
          "[cli][kernel][chapter]") {
    require_prerequisite(geteuid() == 0, "root");
    const Said said = run((build_dir() / "examples/example_chapter6_hello_verifier").string() + " " + prog("chapter6"));
    INFO(said.out);
    INFO(said.err.substr(0, 4000));
    CHECK(said.status == 0);
    CHECK(says(said, "^the verifier on kprobe_exec:$"));
    CHECK(says(said, "^the verifier on xdp_hello:$"));
    CHECK(says(said, R"(^[0-9]+: \(85\) call bpf_map_lookup_elem#1)"));
    CHECK(says(said, R"(^[0-9]+: \(95\) exit$)"));
    const std::pair<const char*, const char*> mistakes[] = {
        {"wrong_map_argument", "R1 type=fp expected=map_ptr"},
        {"no_null_check", "R0 invalid mem access 'map_value_or_null'"},
        {"map_out_of_bounds", "R0 min value is outside of the allowed memory range"},
        {"less_or_equal", "R[0-9] max value is outside of the allowed memory range"},
        {"stack_out_of_bounds", "invalid (write|indirect access) to stack"},
        {"data_end_moved", "R[0-9] pointer arithmetic on pkt_end prohibited"},
        {"endless_loop", "BPF program is too large|infinite loop|The sequence of [0-9]+ jumps is too complex"},
        {"loop_too_large", "BPF program is too large|The sequence of [0-9]+ jumps is too complex"},
        {"no_return_value", "R0 !read_ok"},
        {"context_out_of_bounds", "invalid bpf_context access off=100 size=4"},
        {"not_gpl", "cannot call GPL.* from non-GPL compatible program"}};
    const std::vector<std::string> lines = lines_of(said.out);
    for (const auto& [program, words] : mistakes) {
        INFO(program);
        const auto line =
            std::find_if(lines.begin(), lines.end(),
                         [name = std::string(program) + ": "](const auto& text) { return text.starts_with(name); });
        REQUIRE(line != lines.end());
        CHECK(std::regex_search(*line, std::regex(words)));
        REQUIRE(line + 1 != lines.end());
        CHECK((line + 1)->starts_with("    "));
        CHECK((line + 1)->size() > 30);  // what it means
    }
}

namespace {

// The rows of a page's table whose head contains `head`: the cells of each.
std::vector<std::vector<std::string>> table_of(const std::string& page, const std::string& head) {
    std::vector<std::vector<std::string>> rows;
    bool is_inside = false;
    for (const std::string& line : lines_of(text_file(source_dir() / "docs" / page))) {
        if (!line.starts_with("|")) {
            is_inside = false;
        } else if (line.find(head) != std::string::npos) {
            is_inside = true;
        } else if (is_inside && !line.starts_with("|-")) {
            std::vector<std::string> cells;
            for (std::size_t begin = 1; begin < line.size();) {
                const std::size_t end = std::min(line.find('|', begin), line.size());
                cells.push_back(line.substr(begin, end - begin));
                begin = end + 1;
            }
            rows.push_back(cells);
        }
    }
    return rows;
}

std::vector<std::string> quoted_in(const std::string& cell) {
    static const std::regex quoted("`([^`]*)`");
    std::vector<std::string> found;
    for (std::sregex_iterator at(cell.begin(), cell.end(), quoted), end; at != end; ++at) found.push_back((*at)[1]);
    return found;
}

// What `words` matches: `…` stands for anything, and the number of a register is the compiler's choice.
std::regex pattern_of(const std::string& words) {
    std::string pattern = std::regex_replace(words, std::regex(R"([.()\[\]*+?{}|^$\\])"), R"(\$&)");
    pattern = std::regex_replace(pattern, std::regex("^R[0-9] "), "R[0-9] ");
    return std::regex(std::regex_replace(pattern, std::regex("…"), ".*"));
}

// The end of what the loader says when the kernel refuses.
std::vector<std::string> refusal_of(const std::string& arguments) {
    const Said said = run(loader() + " -q --no-attach " + arguments + " 2>&1 | tail -n 30");
    return lines_of(said.out);
}

std::vector<std::string> refusal_of_mistake(const std::string& program) {
    const std::string object = program == "not_gpl" ? "chapter6/license.bpf.o" : "chapter6/mistakes.bpf.o";
    return refusal_of(prog(object) + " --program " + program);
}

// Bare instructions, eight bytes each.
std::vector<std::string> refusal_of_instructions(const std::string& type, const std::string& instructions) {
    const TemporaryDirectory directory;
    write_file(directory / "refused.text", instructions + std::string("\x95\0\0\0\0\0\0\0", 8));
    return refusal_of("--type " + type + " " + (directory / "refused.text").string());
}

bool is_said(const std::vector<std::string>& lines, const std::string& words) {
    const std::regex pattern(pattern_of(words));
    return std::any_of(lines.begin(), lines.end(),
                       [&](const std::string& line) { return std::regex_search(line, pattern); });
}

// Walking through a million instructions takes minutes on an emulated processor.
bool takes_long(const std::string& program) {
    return environment_says("MINIBPF_VM") && program.find("loop") != std::string::npos;
}

}  // namespace

TEST_CASE("chapter 6: the page's table of mistakes has this kernel's words", "[cli][kernel][chapter]") {
    require_prerequisite(geteuid() == 0, "root");
    const auto rows = table_of("chapters/06-the-verifier.md", "| the verifier |");
    CHECK(rows.size() == 11);
    for (const auto& row : rows) {
        REQUIRE(row.size() == 3);
        const std::vector<std::string> program = quoted_in(row[0]), words = quoted_in(row[2]);
        REQUIRE(program.size() == 1);
        REQUIRE(!words.empty());
        if (takes_long(program[0])) continue;
        const std::vector<std::string> said = refusal_of_mistake(program[0]);
        INFO(program[0] << ": " << row[2]);
        for (const std::string& line : said) UNSCOPED_INFO(line);
        CHECK(std::any_of(words.begin(), words.end(), [&](const std::string& one) { return is_said(said, one); }));
    }
}

TEST_CASE("the table of refusals in the troubleshooting page has this kernel's words", "[cli][kernel][chapter]") {
    require_prerequisite(geteuid() == 0, "root");
    const auto rows = table_of("troubleshooting.md", "| the log says |");
    REQUIRE(rows.size() == 8);
    const std::string load_from_packet("\x61\x12\0\0\0\0\0\0\x71\x20\0\0\0\0\0\0", 16);  // r2 = ctx->data, r0 = *r2
    const std::string load_from_number("\xb7\x01\0\0\5\0\0\0\x71\x10\0\0\0\0\0\0", 16);  // r1 = 5, r0 = *r1
    const std::string redirect_map("\x85\0\0\0\x33\0\0\0", 8);                           // helpers of XDP
    const auto refusal_of_row = [&](std::size_t row) {
        switch (row) {
            case 0: return refusal_of_mistake("no_null_check");
            case 1: return refusal_of_instructions("xdp", load_from_packet);
            case 2: return refusal_of_instructions("xdp", load_from_number);
            case 3: return refusal_of_mistake("endless_loop");
            case 4: return refusal_of_mistake("no_return_value");
            case 5: return refusal_of_mistake("not_gpl");
            case 6: return refusal_of_instructions("tracepoint", redirect_map);
            default: return refusal_of_mistake("context_out_of_bounds");
        }
    };
    for (std::size_t row = 0; row < rows.size(); ++row) {
        REQUIRE(rows[row].size() == 2);
        const std::vector<std::string> words = quoted_in(rows[row][0]);
        REQUIRE(!words.empty());
        if (words[0] == "back-edge" && takes_long("endless_loop")) continue;
        const std::vector<std::string> said = refusal_of_row(row);
        INFO(rows[row][0]);
        for (const std::string& line : said) UNSCOPED_INFO(line);
        CHECK(std::any_of(words.begin(), words.end(), [&](const std::string& one) { return is_said(said, one); }));
    }
}
