// BPF C to an object, by the clang that is installed: what BCC does with BPF(text=...) and BPF(src_file=...).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <libminibpf/base/bytes.hpp>

#pragma GCC visibility push(default)

namespace minibpf {

/// What clang is told besides `-target bpf -g -O2`.
struct CompileOptions {
    std::vector<std::string> cflags = {};               ///< more of clang's options, each as one writes it in a shell
    std::vector<std::string> include_directories = {};  ///< besides the one with minibpf_helpers.h
};

/// The ELF object that `clang -target bpf -g -O2` makes of a file; without a `clang` it is the newest clang-NN in PATH.
/// clang's messages go to standard error as they are.
/// Throws Error: clang found mistakes (Blame::object), or there is no clang (Blame::facility).
Bytes compile_file(const std::string& path, const CompileOptions& options = {});

/// The same of C source in memory. clang calls it "<stdin>" in its messages.
Bytes compile_source(std::string_view source, const CompileOptions& options = {});

}  // namespace minibpf

#pragma GCC visibility pop
