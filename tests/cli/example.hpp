#pragma once
// Runs the book's examples: each until ^C, while the event that it is about is provoked; and the same under strace.

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
    const std::string command = program_of(example.name) + " " + example.arguments + " 2>" + err +
                                " & pid=$!; n=0; until grep -Eq '" + example.ready + "' " + err +
                                "; do n=$((n+1)); [ $n -lt 100 ] || break; kill -0 $pid || break; sleep 0.1; done; " +
                                "sleep 0.3; " + example.event + "; sleep 0.7; kill -INT $pid; wait $pid";
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

inline std::vector<std::string> mirrored_lines(const std::string& text) {
    static const std::regex mirrored(R"(^(bpf|perf_event_open|ioctl|epoll_create1|epoll_ctl)\()");
    std::vector<std::string> found;
    for (const std::string& line : lines_of(text)) {
        if (std::regex_search(line, mirrored)) found.push_back(line);
    }
    return found;
}

inline void compare_with_strace(const std::string& command, const TemporaryDirectory& directory,
                                const std::string& narration_file, std::size_t at_least) {
    require_prerequisite(geteuid() == 0, "root");
    require_prerequisite(run("command -v strace").status == 0, "strace");
    const std::string real = (directory / "real").string();
    const Said said =
        run("strace -qq -o " + real + " -e trace=execve,bpf,perf_event_open,ioctl,epoll_create1,epoll_ctl " + command);
    INFO("standard error: " << said.err);
    CHECK(said.status == 0);
    // What a shell did before it became the example is not the example's.
    std::string traced = text_file(real);
    traced.erase(0, traced.rfind("execve("));
    const std::vector<std::string> expected = mirrored_lines(traced);
    const std::vector<std::string> narrated =
        mirrored_lines(narration_file.empty() ? said.err : text_file(narration_file));
    CHECK(narrated.size() >= at_least);
    REQUIRE(narrated.size() == expected.size());
    for (std::size_t i = 0; i < narrated.size(); ++i) CHECK(narrated[i] == expected[i]);
}

// An example runs until ^C, which is sent once strace has seen its last call.
inline void compare_example(const std::string& name, const std::string& arguments, const std::string& last_call,
                            std::size_t at_least) {
    INFO(name << " " << arguments);
    const TemporaryDirectory directory;
    const std::string example = (build_dir() / "examples" / name).string();
    const std::string interrupt = "(until grep -Eq \"" + last_call + "\" " + (directory / "real").string() +
                                  "; do sleep 0.2; done; sleep 0.5; kill -INT $$) & ";
    // The shell becomes the example, so that strace follows one process and its lines carry no pid.
    compare_with_strace("sh -c '" + interrupt + "exec " + example + " " + arguments + "'", directory, "", at_least);
}

}  // namespace minibpf::test
