#pragma once
// Compiled objects by their path below the build directory: object_spec("progs/hello.bpf.o").

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include <tests/paths.hpp>

#include <libminibpf/object/object_spec.hpp>

namespace minibpf::test {

inline Bytes file_bytes(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot read " + path.string());
    const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const ByteView bytes = bytes_of(std::string_view(text));
    return Bytes(bytes.begin(), bytes.end());
}

inline ObjectSpec object_spec(const std::string& path) {
    return parse_object(file_bytes(build_dir() / path), path);
}

}  // namespace minibpf::test
