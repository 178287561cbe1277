#pragma once
// Command lines as the documentation has them, made to run here and to end.

#include <filesystem>
#include <regex>
#include <string>

#include <tests/catch.hpp>
#include <tests/skip.hpp>

#include "command.hpp"

namespace minibpf::test {

/// The facility without which the command's program cannot run as it stands there, by its name in tests/vm/kernels;
/// empty when each kernel has it.
inline std::string facility_of(const std::string& documented) {
    // An example is called like its object.
    const std::string command = std::regex_replace(documented, std::regex(R"(example_(chapter\d+)_)"), "$1/");
    const auto has = [&](const std::string& pattern) { return std::regex_search(command, std::regex(pattern)); };
    const bool is_elsewhere = has("tracepoint:|raw_tp:|hello_tp|state_changes");
    if (has(R"(chapter2/hello(_map|_buffer)?\b|chapter[45]/hello_(ring_)?buffer_config\b|tcp_?connect\b)") &&
        !is_elsewhere)
        return "kprobe PMU";
    if (has("chapter9/hello_lsm")) return has("file_permission") ? "fentry" : "BPF LSM";
    if (has("chapter8/network.*tcx")) return "tcx";
    if (has("chapter8/network.*(tc_|tc/)")) return "tc programs";
    return {};
}

/// As far as one can see it from outside; what cannot be seen is not denied.
inline bool kernel_may_lack(const std::string& facility) {
    if (facility.empty() || kernel_must_have(facility)) return false;
    if (facility == "kprobe PMU") return !std::filesystem::exists("/sys/bus/event_source/devices/kprobe");
    if (facility == "BPF LSM") return text_file("/sys/kernel/security/lsm").find("bpf") == std::string::npos;
    return true;
}

/// The command has done what it should, or could not for want of something that this kernel lacks. Answers whether it
/// has.
inline bool check_ran(const std::string& documented, const Said& said) {
    const std::string facility = facility_of(documented);
    INFO("status " << said.status << "; facility: " << facility);
    INFO("standard output: " << said.out.substr(0, 2000));
    INFO("standard error: " << said.err.substr(0, 2000));
    if (said.status == 4)
        CHECK(kernel_may_lack(facility));
    else
        CHECK(said.status == 0);
    return said.status == 0;
}

}  // namespace minibpf::test
