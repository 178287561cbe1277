#pragma once
// How a test says that it cannot run here. Catch2 version 2 has no SKIP(), so a test case leaves the process with exit
// status 77, which ctest and tests/vm list as skipped. For this each test case runs in a process of its own.
//
// Two reasons are kept apart:
//
//   the kernel was built without something     skip_unless_kernel_has("kprobes", has_kprobes());
//       Fine on any one kernel: ./check runs the same tests on others, and complains about a test that ran on none.
//       tests/vm says what each of its kernels has (MINIBPF_KERNEL_HAS); lacking that is a failure.
//
//   the machine was not prepared               require_prerequisite(geteuid() == 0, "root");
//       A failure where everything must run (CI, or MINIBPF_NO_SKIP=1), a skip elsewhere.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <tests/catch.hpp>

namespace minibpf::test {

inline bool environment_says(const char* variable) {
    const char* value = std::getenv(variable);
    return value != nullptr && *value != '\0' && std::string_view(value) != "0" && std::string_view(value) != "false";
}

/// Ends the process with status 77. Nothing is unwound: what the test holds is released by the kernel with the process.
[[noreturn]] inline void leave_skipped(const std::string& reason) {
    std::fflush(nullptr);
    std::fprintf(stderr, "SKIP: %s\n", reason.c_str());
    std::_Exit(77);
}

/// The machine lacks what the test needs. In CI that is a failure.
[[noreturn]] inline void skip(const std::string& reason) {
    if (environment_says("CI") || environment_says("MINIBPF_NO_SKIP")) {
        FAIL("cannot run, and may not be skipped here: " << reason);
    }
    leave_skipped(reason);
}

inline void require_prerequisite(bool present, const std::string& what) {
    if (!present) skip("missing: " + what);
}

/// MINIBPF_KERNEL_HAS is a list like "kprobes;kprobe PMU;BTF": what the kernel under test is known to have.
inline bool kernel_must_have(std::string_view facility) {
    const char* value = std::getenv("MINIBPF_KERNEL_HAS");
    const std::string list = ";" + std::string(value != nullptr ? value : "") + ";";
    return list.find(";" + std::string(facility) + ";") != std::string::npos;
}

inline void skip_unless_kernel_has(const std::string& facility, bool present) {
    if (present) return;
    if (kernel_must_have(facility)) FAIL("this kernel is known to have " << facility << ", but it was not found");
    leave_skipped("needs a kernel with " + facility);
}

}  // namespace minibpf::test
