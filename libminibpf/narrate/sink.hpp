// Where narration goes: anything that can be called with a line.
#pragma once

#include <cstdio>
#include <functional>
#include <string>
#include <string_view>

#pragma GCC visibility push(default)

namespace minibpf {

/// Called with one line, without its newline. A lambda, or a FileSink.
using Sink = std::function<void(std::string_view line)>;

/// Writes each line at once to a file that it does not own: whatever happens next, the line is out.
class FileSink {
public:
    /// `file` outlives this.
    explicit FileSink(std::FILE* file) noexcept : file_(file) {}

    /// Writes `line` and a newline.
    void operator()(std::string_view line) const {
        std::string text(line);
        text += '\n';
        std::fwrite(text.data(), 1, text.size(), file_);
        std::fflush(file_);
    }

private:
    std::FILE* file_;
};

}  // namespace minibpf

#pragma GCC visibility pop
