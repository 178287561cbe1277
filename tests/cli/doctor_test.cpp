// `loader doctor`: what the machine gives, and what killed loaders left behind.
#include <nlohmann/json.hpp>

#include <tests/catch.hpp>
#include <tests/skip.hpp>

#include "command.hpp"

using namespace minibpf::test;

TEST_CASE("the doctor tells of each thing what it is for, to anyone", "[cli]") {
    const Said said = run(loader() + " doctor");
    CHECK(said.status == 0);
    for (const char* what : {"kernel ", "tracefs", "CAP_BPF", "JIT", "kernel BTF", "kprobes", "uprobes", "trampolines",
                             "BPF LSM", "lockdown", "statistics"}) {
        INFO(what);
        CHECK_THAT(said.out, contains(what));
    }
    CHECK_THAT(said.out, contains("for CO-RE"));
}

TEST_CASE("the doctor's findings are those of this kernel", "[cli][kernel]") {
    require_prerequisite(geteuid() == 0, "root");
    const Said said = run(loader() + " doctor --json");
    CHECK(said.status == 0);
    const auto findings = nlohmann::json::parse(said.out);
    const auto state = [&](const std::string& what) {
        for (const auto& finding : findings) {
            if (finding["what"] == what) return finding["state"].get<std::string>();
        }
        return std::string("not told");
    };
    const auto is_there = [](const char* path) { return std::filesystem::exists(path) ? "present" : "missing"; };
    CHECK(state("kprobes") == is_there("/sys/bus/event_source/devices/kprobe"));
    CHECK(state("uprobes") == is_there("/sys/bus/event_source/devices/uprobe"));
    CHECK(state("kernel BTF") == is_there("/sys/kernel/btf/vmlinux"));
    CHECK(state("CAP_BPF") == "present");
    if (kernel_must_have("fentry")) CHECK(state("trampolines") == "present");
    if (kernel_must_have("BPF LSM")) CHECK(state("BPF LSM") != "missing");
}

TEST_CASE("without privilege the doctor says which is missing", "[cli]") {
    require_prerequisite(geteuid() == 0 && run("command -v setpriv").status == 0, "root and setpriv(1)");
    const Said said = run("setpriv --reuid 65534 --clear-groups " + loader() + " doctor --json");
    INFO(said.err);
    REQUIRE(said.status == 0);
    for (const auto& finding : nlohmann::json::parse(said.out)) {
        if (finding["what"] == "CAP_BPF") CHECK(finding["state"] == "missing");
    }
    CHECK(run("setpriv --reuid 65534 --clear-groups " + loader() + " doctor --clean").status == 4);
}

TEST_CASE("the doctor removes what killed loaders left in tracefs, and tells it", "[cli][kernel]") {
    require_prerequisite(geteuid() == 0, "root");
    skip_unless_kernel_has("uprobes", std::filesystem::exists("/sys/bus/event_source/devices/uprobe"));
    const pid_t child = fork();
    if (child == 0) _exit(0);
    waitpid(child, nullptr, 0);
    const std::string of_dead = "u_bash_40000_" + std::to_string(child) + "_1";
    const std::string of_living = "u_bash_40000_" + std::to_string(getpid()) + "_1";
    const std::string list = "/sys/kernel/tracing/uprobe_events";
    const auto add = [&](const std::string& line) { CHECK(run("echo '" + line + "' >> " + list).status == 0); };
    for (const std::string& event : {of_dead, of_living}) add("p:minibpf/" + event + " /bin/bash:0x40000");
    const Said said = run(loader() + " doctor --clean");
    CHECK(said.status == 0);
    CHECK_THAT(said.out, contains("removed " + of_dead) && !contains(of_living));
    CHECK_THAT(text_file(list), !contains(of_dead) && contains(of_living));
    add("-:minibpf/" + of_living);
    const Said nothing = run(loader() + " doctor --clean");
    CHECK(nothing.status == 0);
    CHECK(nothing.out.empty());
}
