// The table of examples/README.md: its command lines run, and no example is missing.
#include <algorithm>
#include <regex>

#include <tests/catch.hpp>
#include <tests/kernel/network.hpp>
#include <tests/skip.hpp>

#include "command.hpp"
#include "documented.hpp"

using namespace minibpf::test;

namespace {

std::string examples_readme() {
    return text_file(source_dir() / "examples/README.md");
}

// What stands in backquotes and begins with `begin`, with paths of this build.
std::vector<std::string> command_lines(const std::string& begin) {
    const std::string text = examples_readme();
    const std::regex quoted("`(" + begin + "[^`]*)`");
    std::vector<std::string> found;
    for (std::sregex_iterator at(text.begin(), text.end(), quoted), end; at != end; ++at)
        found.push_back(std::regex_replace(std::string((*at)[1]), std::regex("build/"), build_dir().string() + "/"));
    return found;
}

// "./loader OPTIONS" as the built command with options before them.
std::string loader_with(const std::string& options, const std::string& command) {
    return loader() + " " + options + command.substr(std::string("./loader").size());
}

}  // namespace

TEST_CASE("examples/README.md has every example", "[cli]") {
    const std::string text = examples_readme();
    for (const auto& file : std::filesystem::recursive_directory_iterator(source_dir() / "examples")) {
        if (file.path().extension() != ".cpp") continue;
        std::string name = std::filesystem::relative(file.path(), source_dir() / "examples").replace_extension();
        std::replace(name.begin(), name.end(), '/', '_');
        INFO(name);
        CHECK(std::regex_search(text, std::regex("`build/examples/example_" + name + "[ `]")));
    }
}

TEST_CASE("examples/README.md's examples are there", "[cli][kernel]") {
    const std::vector<std::string> commands = command_lines("build/examples/");
    CHECK(commands.size() >= 20);
    for (const std::string& command : commands) {
        INFO(command);
        CHECK(std::filesystem::exists(command.substr(0, command.find(' '))));
    }
}

namespace {

// What one row of the table prints when `event` happens.
struct Row {
    const char* command;   // a regular expression that the row's command matches, and no other row's does
    const char* event;     // of the shell
    const char* expected;  // what a line matches
};

constexpr const char* execute = "/bin/true";
// Others open files too, and may fill the buffer when the machine has much to do.
constexpr const char* read_often = "for i in 1 2 3 4 5; do cat /etc/passwd >/dev/null; sleep 0.2; done";
constexpr const char* miss_often = "for i in 1 2 3 4 5; do cat /no/such/file 2>/dev/null; sleep 0.2; done";
constexpr const char* ping = "busybox ping -c 1 -W 1 127.0.0.1 >/dev/null";
constexpr const char* packet = "bash -c \"echo x >/dev/udp/127.0.0.1/9\"";
constexpr const char* connection = "bash -c \"echo >/dev/tcp/127.0.0.1/9\"";
constexpr const char* change_mode = "cd $directory; touch secret; chmod 777 secret";
constexpr const char* write_and_read = "cd $directory; echo words >secret; cat secret";

constexpr Row rows[] = {
    {"smallest.text", execute, "bpf_trace_printk: Get$"},
    {"chapter2/hello.bpf.o", execute, "bpf_trace_printk: Hello World!$"},
    {"chapter2/hello_map.bpf.o", execute, R"(^counter_table: \[0\]=[1-9])"},
    {"chapter2/hello_buffer.bpf.o", execute, R"(^output: .*\.uid = 0, .*\.message = "Hello World")"},
    {"chapter2/hello_file.bpf.o", read_often, "bpf_trace_printk: cat opens /etc/passwd$"},
    {"chapter2/hello_file_ring_buffer.bpf.o", read_often, R"(^output: .*"cat".*"/etc/passwd")"},
    {"chapter2/hello_tail.bpf.o", execute, "bpf_trace_printk: Executing a program$"},
    {"chapter3/hello.bpf.o", packet, R"(^\.bss: counter=[1-9])"},
    {"chapter3/hello_func.bpf.o", execute, "bpf_trace_printk: Syscall: 59$"},
    {"chapter4/hello_buffer_config.bpf.o", execute, R"(^output: .*\.uid = 0, .*\.message = "Hey root!")"},
    {"chapter4/hello_buffer_config_raw_tp.bpf.o", execute, R"(^output: .*\.uid = 0, .*\.message = "Hey root!")"},
    {"chapter4/hello_ring_buffer_config.bpf.o", execute, R"(^output: .*\.uid = 0, .*\.message = "Hey root!")"},
    {"chapter5/hello_buffer_config.bpf.o", execute, R"(^output: .*\.message = "Hey root!", \.path = "/bin/true")"},
    {"chapter6/hello_verifier.bpf.o", execute, R"(^[0-9]+: \(85\) call bpf_map_lookup_elem#1)"},
    {"--keep-going .*chapter7/hello.bpf.o", execute, R"(^output: .*\.hook = "tp_btf", .*\.path = "/bin/true")"},
    {"chapter7/hello.bpf.o --program raw_tp_exec", execute, R"(^output: .*\.hook = "raw_tp", .*\.path = "/bin/true")"},
    {"chapter8/ping.bpf.o", ping, "bpf_trace_printk: Got ping packet$"},
    {"tc/ingress", ping, "bpf_trace_printk: tc: answered a ping$"},
    {"tcx/ingress", ping, "bpf_trace_printk: tc: dropped a ping$"},
    {"--program tcp_connect$", connection, "bpf_trace_printk: TCP connection$"},
    {R"(hello_lsm.bpf.o --set 'file="secret"')", change_mode, "bpf_trace_printk: Refused to change the mode of secret"},
    {"--program file_permission", write_and_read, "bpf_trace_printk: Write to secret$"},
    {"opensnoop.bpf.o", miss_often, R"(^events: .*\.result = -2, .*"/no/such/file")"},
    {"execsnoop.bpf.o", execute, R"(^events: .*\.command = "true")"},
    {"tcpconnect.bpf.o --events", connection, R"(^events: .*127, 0, 0, 1.*\.port = 9)"},
    {"tcpconnect.bpf.o --program state_changes", connection, R"(^events: .*127, 0, 0, 1.*\.port = 9)"},
    {"profile.bpf.o", "timeout 1 bash -c \"while :; do :; done\"", R"(^counts: .*\.command = "bash")"}};

// The only one that the command matches.
const Row& row_of(const std::string& command) {
    const Row* found = nullptr;
    for (const Row& row : rows) {
        if (!std::regex_search(command, std::regex(row.command))) continue;
        CHECK(found == nullptr);
        found = &row;
    }
    REQUIRE(found != nullptr);
    return *found;
}

}  // namespace

TEST_CASE("examples/README.md's commands show what they are there for, wherever the kernel has their hooks",
          "[cli][kernel]") {
    require_prerequisite(geteuid() == 0, "root");
    const NetworkNamespace network;  // several attach to lo
    const TemporaryDirectory directory;
    write_file(directory / "event", "");
    const std::vector<std::string> commands = command_lines("\\./loader ");
    CHECK(commands.size() == std::size(rows));
    int ran = 0;
    for (const std::string& command : commands) {
        INFO(command);
        const Row& row = row_of(command);
        // In a file, so that no quote of it meets one of the command's.
        write_file(directory / "event", "directory=" + (directory / "").string() + "\n" + row.event + "\n");
        const Said said =
            run(loader_with("-q -c 'sh " + (directory / "event").string() + "; true' ", command) + " 2>&1");
        if (!check_ran(command, said)) continue;
        ++ran;
        const std::vector<std::string> lines = lines_of(said.out);
        const std::regex expected(row.expected);
        INFO("expected: " << row.expected);
        INFO("it ended with:\n" << said.out.substr(said.out.size() - std::min<std::size_t>(said.out.size(), 1000)));
        CHECK(std::any_of(lines.begin(), lines.end(),
                          [&](const std::string& line) { return std::regex_search(line, expected); }));
    }
    CHECK(ran >= 15);  // those at tracepoints, raw tracepoints, XDP and perf events, which every kernel has
}
