#pragma once
// Runs the book's examples: each until ^C, while the event that it is about is provoked; and the same under strace.

#include <algorithm>
#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include <tests/catch.hpp>
#include <tests/skip.hpp>

#include "command.hpp"

namespace minibpf::test {

struct Example {
    std::string name;       ///< "chapter2_hello"
    std::string arguments;  ///< after the object
    std::string event;      ///< a shell command that provokes it, once the example waits
    std::string ready;      ///< what its narration says last before it waits, an extended regular expression
};

constexpr const char* attached = "IOC_ENABLE|RAW_TRACEPOINT_OPEN|LINK_CREATE";
constexpr const char* waits_for_buffer = "^epoll_ctl";

inline std::string object_of(const std::string& example_name) {
    const std::size_t underscore = example_name.find('_');
    return prog(example_name.substr(0, underscore) + "/" + example_name.substr(underscore + 1) + ".bpf.o");
}
inline std::string program_of(const std::string& example_name) {
    return (build_dir() / "examples" / ("example_" + example_name)).string();
}

// The example is started, `event` runs when the example waits, and ^C follows a little later. Its first argument, the
// object, is among the others here.
inline Said run_program(const Example& example) {
    const TemporaryDirectory directory;
    const std::string err = (directory / "narration").string();
    const std::string command = program_of(example.name) + " " + example.arguments + " 2>" + err + " & pid=$!; " +
                                wait_for_line(example.ready, err, "$pid") + "sleep 0.3; " + example.event +
                                "; sleep 0.7; kill -INT $pid; wait $pid";
    Said said = run(command);
    said.err += text_file(err);
    return said;
}

// The same with the object that is named like the example.
inline Said run_example(Example example) {
    example.arguments = object_of(example.name) + " " + example.arguments;
    return run_program(example);
}

inline bool says(const Said& said, const std::string& line_pattern) {
    const std::regex pattern(line_pattern);
    for (const std::string& line : lines_of(said.out)) {
        if (std::regex_search(line, pattern)) return true;
    }
    return false;
}

inline void check_says(const Example& example, const std::string& line_pattern) {
    INFO(example.name << " " << example.arguments);
    const Said said = run_example(example);
    INFO("standard output: " << said.out.substr(0, 4000));
    INFO("standard error: " << said.err.substr(0, 4000));
    CHECK(said.status == 0);
    CHECK(says(said, line_pattern));
}

inline bool has_kprobes() {
    return std::filesystem::exists("/sys/bus/event_source/devices/kprobe");
}

// --- the narration, compared with what strace prints for the same process

// The calls that are compared, as alternatives of a regular expression.
constexpr const char* bpf_calls = "bpf|perf_event_open|ioctl|epoll_create1|epoll_ctl";
constexpr const char* network_calls =
    "bpf|perf_event_open|ioctl|epoll_create1|epoll_ctl|socket|bind|setsockopt|sendto|recvfrom";

inline std::vector<std::string> lines_of_calls(const std::string& text, const std::string& calls) {
    const std::regex mirrored("^(" + calls + ")\\(");
    std::vector<std::string> found;
    for (const std::string& line : lines_of(text)) {
        if (std::regex_search(line, mirrored)) found.push_back(line);
    }
    return found;
}

// Answers the lines that both have.
inline std::vector<std::string> compare_with_strace(const std::string& command, const TemporaryDirectory& directory,
                                                    const std::string& narration_file, std::size_t at_least,
                                                    const std::string& calls = bpf_calls) {
    require_prerequisite(geteuid() == 0, "root");
    require_prerequisite(run("command -v strace").status == 0, "strace");
    const std::string real = (directory / "real").string();
    const std::string traced_calls = "execve," + std::regex_replace(calls, std::regex("\\|"), ",");
    const Said said = run("strace -qq -o " + real + " -e trace=" + traced_calls + " " + command);
    INFO("standard error: " << said.err);
    CHECK(said.status == 0);
    // What a shell did before it became the example is not the example's.
    std::string traced = text_file(real);
    traced.erase(0, traced.rfind("execve("));
    // strace asks the kernel what kind of netlink it sees.
    if (calls == network_calls) skip_unless_kernel_has("netlink_diag", traced.find("NLMSG_???") == std::string::npos);
    const std::vector<std::string> expected = lines_of_calls(traced, calls);
    const std::vector<std::string> narrated =
        lines_of_calls(narration_file.empty() ? said.err : text_file(narration_file), calls);
    CHECK(narrated.size() >= at_least);
    REQUIRE(narrated.size() == expected.size());
    for (std::size_t i = 0; i < narrated.size(); ++i) CHECK(narrated[i] == expected[i]);
    return narrated;
}

inline bool has_call(const std::vector<std::string>& lines, const std::string& begin) {
    return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) { return line.starts_with(begin); });
}

// An example runs until ^C, which is sent once strace has seen its last call.
inline std::vector<std::string> compare_example(const std::string& name, const std::string& arguments,
                                                const std::string& last_call, std::size_t at_least,
                                                const std::string& calls = bpf_calls) {
    INFO(name << " " << arguments);
    const TemporaryDirectory directory;
    const std::string example = (build_dir() / "examples" / name).string();
    const std::string interrupt = "(until grep -Eq \"" + last_call + "\" " + (directory / "real").string() +
                                  "; do sleep 0.2; done; sleep 0.5; kill -INT $$) & ";
    // The shell becomes the example, so that strace follows one process and its lines carry no pid.
    return compare_with_strace("sh -c '" + interrupt + "exec " + example + " " + arguments + "'", directory, "",
                               at_least, calls);
}

}  // namespace minibpf::test
