#pragma once
// What the tests of load/, attach/ and events/ on the running kernel share: an object whose programs count this
// process's calls of getpgid(2), a way to make such calls, and what the process holds.
//
// getpgid(2) because nothing else calls it: neither the C library nor Catch2, so that counts are exact.

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <stdexcept>
#include <string>

#include <sys/syscall.h>
#include <unistd.h>

#include <libminibpf/base/error.hpp>
#include <libminibpf/kernel/live_gate.hpp>
#include <libminibpf/load/loader.hpp>
#include <tests/catch.hpp>
#include <tests/error_of.hpp>
#include <tests/read_object.hpp>
#include <tests/skip.hpp>

namespace minibpf::test {

inline void require_bpf() {
    require_prerequisite(geteuid() == 0, "root");
    // PROC_PID_INIT_INO: elsewhere bpf_get_current_pid_tgid() gives another number than getpid(2).
    std::error_code ignored;
    const std::filesystem::path space = std::filesystem::read_symlink("/proc/self/ns/pid", ignored);
    require_prerequisite(space == "pid:[4026531836]", "the initial pid namespace");
}

inline void require_tracepoints() {
    require_bpf();
    skip_unless_kernel_has("tracepoints",
                           std::filesystem::exists("/sys/kernel/tracing/events/syscalls/sys_enter_getpgid/id"));
}

/// The kernel asks BPF programs where it asks its security modules.
inline void require_lsm() {
    require_bpf();
    std::string modules;
    std::getline(std::ifstream("/sys/kernel/security/lsm"), modules);
    skip_unless_kernel_has("BPF LSM", ("," + modules + ",").find(",bpf,") != std::string::npos);
}

inline void require_kprobe_pmu() {
    require_bpf();
    skip_unless_kernel_has("kprobe PMU", std::filesystem::exists("/sys/bus/event_source/devices/kprobe"));
}

inline void require_uprobes() {
    require_bpf();
    skip_unless_kernel_has("uprobes", std::filesystem::exists("/sys/bus/event_source/devices/uprobe"));
}

inline void require_kprobe_events() {
    require_bpf();
    skip_unless_kernel_has("kprobes", std::filesystem::exists("/sys/kernel/tracing/kprobe_events"));
}

/// tests/data/NAME.bpf.o, whose programs are to mind this process only.
inline ObjectSpec for_this_process(const std::string& name) {
    ObjectSpec spec = object_spec("tests/data/" + name + ".bpf.o");
    spec.set_variable("process", std::to_string(getpid()));
    return spec;
}

/// A global variable of a loaded object, as its program sees it now.
template <class T>
T variable(Object& object, std::string_view name) {
    const VariableSpec* spec = object.spec().find_variable(name);
    if (spec == nullptr) throw std::logic_error("no variable " + std::string(name));
    const std::uint32_t zero = 0;
    const std::optional<Bytes> section = object.require_map(object.spec().maps[spec->map].name).lookup(bytes_of(zero));
    return read_at<T>(section.value(), spec->offset).value();
}

inline std::uint64_t hits(Object& object) {
    return variable<std::uint64_t>(object, "hits");
}

/// What the programs wait for: one getpgid(argument), whose answer does not matter.
inline long provoke(long argument = 0) {
    return syscall(SYS_getpgid, argument);
}

inline void provoke_times(int times) {
    for (int i = 0; i < times; ++i) provoke();
}

/// An execve(2) that hits its tracepoints and probes, and fails: a directory cannot be executed.
inline void provoke_execve() {
    syscall(SYS_execve, "/", nullptr, nullptr);
}

/// Everything that a process can leave open in the kernel.
struct Holdings {
    std::set<std::string> fds;            ///< "5 anon_inode:bpf-map"
    std::multiset<std::string> mappings;  ///< perf and ring buffers: lines of /proc/self/maps with an anon_inode
    std::multiset<std::string> probes;    ///< lines of kprobe_events and uprobe_events that minibpf made here

    bool operator==(const Holdings&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const Holdings& holdings) {
    for (const auto* lines : {&holdings.mappings, &holdings.probes}) {
        for (const std::string& line : *lines) out << line << '\n';
    }
    for (const std::string& line : holdings.fds) out << line << '\n';
    return out;
}

inline std::multiset<std::string> lines_with(const char* file, const std::string& text) {
    std::multiset<std::string> lines;
    std::ifstream stream(file);
    for (std::string line; std::getline(stream, line);) {
        if (line.find(text) != std::string::npos) lines.insert(line);
    }
    return lines;
}

inline Holdings holdings() {
    Holdings found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code gone;  // the directory's own descriptor
        const std::filesystem::path target = std::filesystem::read_symlink(entry.path(), gone);
        if (!target.string().ends_with("/fd"))
            found.fds.insert(entry.path().filename().string() + " " + target.string());
    }
    found.mappings = lines_with("/proc/self/maps", "anon_inode");
    // Other processes may have probes as well: ours have our pid in their names.
    for (const char* file : {"/sys/kernel/tracing/kprobe_events", "/sys/kernel/tracing/uprobe_events"}) {
        for (const std::string& line : lines_with(file, "minibpf/")) {
            if (line.find("_" + std::to_string(getpid()) + "_") != std::string::npos) found.probes.insert(line);
        }
    }
    return found;
}

}  // namespace minibpf::test
