// Where the checker finds what was built and what was written. The same program checks exercises on the machine that
// built it and in the virtual machines of tests/vm, where the files lie elsewhere: the environment wins over what CMake
// compiled in.
#pragma once

#include <cstdlib>
#include <filesystem>

namespace checker {

inline std::filesystem::path directory_from(const char* variable, const char* compiled_in) {
    const char* value = std::getenv(variable);
    return value != nullptr && *value != '\0' ? value : compiled_in;
}

/// Holds bin/loader, progs/**/*.bpf.o and exercises/**/*.bpf.o.
inline std::filesystem::path build_dir() {
    return directory_from("MINIBPF_BUILD_DIR", MINIBPF_BUILD_DIR);
}

/// Holds exercises/.
inline std::filesystem::path source_dir() {
    return directory_from("MINIBPF_SOURCE_DIR", MINIBPF_SOURCE_DIR);
}

}  // namespace checker
