#pragma once
// Where the tests find what was built and what was written. The same test executables run on the machine that built
// them and inside the virtual machines of tests/vm, where the files lie elsewhere: the environment wins over what CMake
// compiled in.

#include <cstdlib>
#include <filesystem>

namespace minibpf::test {

inline std::filesystem::path directory_from(const char* variable, const char* compiled_in) {
    const char* value = std::getenv(variable);
    return value != nullptr && *value != '\0' ? value : compiled_in;
}

/// Holds bin/loader, examples/, progs/**/*.bpf.o and tests/data/*.bpf.o.
inline std::filesystem::path build_dir() {
    return directory_from("MINIBPF_BUILD_DIR", MINIBPF_BUILD_DIR);
}

/// Holds progs/ and tests/.
inline std::filesystem::path source_dir() {
    return directory_from("MINIBPF_SOURCE_DIR", MINIBPF_SOURCE_DIR);
}

}  // namespace minibpf::test
