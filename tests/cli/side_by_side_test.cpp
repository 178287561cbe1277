// docs/side-by-side/: what examples/side_by_side.cpp does, beside what C with libbpf and Python with BCC do.
#include <algorithm>

#include "example.hpp"

using namespace minibpf::test;

namespace {

// The lines after the topic's name.
std::vector<std::string> lines_of_topic(const std::string& command, const std::string& topic) {
    const Said said = run(command + " " + prog("side_by_side.bpf.o") + " " + topic);
    INFO(command << " " << topic << ": " << said.err);
    CHECK(said.status == 0);
    std::vector<std::string> lines = lines_of(said.out);
    REQUIRE(!lines.empty());
    CHECK(lines[0] == topic + ":");
    lines.erase(lines.begin());
    return lines;
}

std::vector<std::string> ours(const std::string& topic) {
    return lines_of_topic("cd " + source_dir().string() + " && " + program_of("side_by_side"), topic);
}
std::vector<std::string> libbpfs(const std::string& topic) {
    return lines_of_topic((build_dir() / "bin" / "side_by_side_libbpf").string(), topic);
}

bool has_line(const std::vector<std::string>& lines, const std::string& line) {
    return std::ranges::find(lines, line) != lines.end();
}

}  // namespace

TEST_CASE("side by side: loading, maps and test runs come out as with libbpf", "[cli][kernel]") {
    require_prerequisite(geteuid() == 0, "root");
    for (const char* topic : {"load_one_program", "change_before_load", "hash_table", "pin_map", "run_on_a_packet"}) {
        INFO(topic);
        const std::vector<std::string> lines = ours(topic);
        CHECK(!lines.empty());
        CHECK(lines == libbpfs(topic));
    }
    // libbpf calls .rodata by the name that the kernel knows.
    std::vector<std::string> lines = libbpfs("load_object");
    std::ranges::replace(lines, std::string("map side_by_.rodata"), std::string("map .rodata"));
    CHECK(ours("load_object") == lines);
}

TEST_CASE("side by side: buffers bring what libbpf's bring", "[cli][kernel]") {
    require_prerequisite(geteuid() == 0, "root");
    for (const char* topic : {"perf_buffer", "ring_buffer"}) {
        INFO(topic);
        // Others may execute something meanwhile.
        CHECK(has_line(ours(topic), "true"));
        CHECK(has_line(libbpfs(topic), "true"));
    }
}

TEST_CASE("side by side: programs run where they are attached", "[cli][kernel]") {
    require_prerequisite(geteuid() == 0, "root");
    CHECK(has_line(ours("attach_by_section"), "Hello from a tracepoint"));
    CHECK(has_line(ours("attach_tracepoint"), "Hello from a tracepoint"));
    CHECK(has_line(ours("attach_raw_tracepoint"), "Hello after a jump"));
    CHECK(has_line(ours("tail_calls"), "Hello after a jump"));
    CHECK(has_line(ours("one_program_on_several_hooks"), "3 links"));
    CHECK(has_line(ours("several_programs_on_one_hook"), "2 links"));
    for (const char* topic : {"attach_by_section", "attach_tracepoint", "attach_raw_tracepoint"}) {
        CHECK(has_line(libbpfs(topic), "attached"));
    }
    CHECK(has_line(libbpfs("tail_calls"), "filled"));
}

TEST_CASE("side by side: programs run at the beginning and at the end of a function", "[cli][kernel]") {
    require_prerequisite(geteuid() == 0, "root");
    skip_unless_kernel_has("kprobe PMU", has_kprobes());
    CHECK(has_line(ours("attach_kprobe"), "Hello from a kprobe"));
    CHECK(has_line(ours("attach_kretprobe"), "Hello from a kretprobe"));
    CHECK(has_line(libbpfs("attach_kprobe"), "attached"));
    CHECK(has_line(libbpfs("attach_kretprobe"), "attached"));
}

TEST_CASE("side by side: source is compiled while the example runs", "[cli][kernel]") {
    require_prerequisite(geteuid() == 0, "root");
    skip_unless_kernel_has("clang", run("command -v clang").status == 0);  // not in the virtual machines
    CHECK(has_line(ours("compile_text"), "hello is loaded"));
    CHECK(has_line(ours("compile_with_flags"), "1 program"));
}

TEST_CASE("side by side: each topic in C and in Python is one of the example's", "[cli]") {
    const std::vector<std::string> topics = lines_of(run(program_of("side_by_side")).out);
    CHECK(topics.size() >= 15);
    const std::string python = (source_dir() / "tests" / "side_by_side" / "bcc.py").string();
    const Said known =
        run("grep -oE '^def [a-z_]+' " + python + " | cut -d' ' -f2; grep -oE '^static void [a-z_]+\\(void\\)' " +
            (source_dir() / "tests" / "side_by_side" / "libbpf.c").string() + " | sed 's/static void //; s/(void)//'");
    std::size_t count = 0;
    for (const std::string& name : lines_of(known.out)) {
        if (name == "execute_true" || name == "attach_usdt" || name == "trace_lines") continue;
        INFO(name);
        CHECK(has_line(topics, name));
        ++count;
    }
    CHECK(count >= 25);
}
