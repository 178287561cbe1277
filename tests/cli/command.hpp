#pragma once
// Runs a command as a shell user would, and keeps what it said.

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <linux/close_range.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tests/paths.hpp>

namespace minibpf::test {

struct Said {
    int status = -1;  ///< exit status; 128 + signal when it was killed
    std::string out;
    std::string err;
};

/// A directory of the test's own, gone with it. Anyone may look into it.
class TemporaryDirectory {
public:
    TemporaryDirectory() {
        std::string pattern = (std::filesystem::temp_directory_path() / "minibpf-XXXXXX").string();
        if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
        path_ = pattern;
        std::filesystem::permissions(path_, std::filesystem::perms(0777));
    }
    ~TemporaryDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

inline std::string text_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

inline void write_file(const std::filesystem::path& path, const std::string& content) {
    std::ofstream(path, std::ios::binary) << content;
}

/// How long a command may take: 60 seconds, unless the machine is a slow one and says so (an emulated processor needs
/// minutes where the verifier walks through its million instructions twice).
inline std::string seconds_at_most() {
    const char* seconds = getenv("MINIBPF_COMMAND_SECONDS");
    return seconds == nullptr ? "60" : seconds;
}

/// Runs `command` with /bin/sh; not for ever, so that a hang is a failure with the output so far.
inline Said run(const std::string& command) {
    const TemporaryDirectory directory;
    std::string quoted;
    for (char c : command) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    // Appended to, for a command and its children: copy_file_range(2) and sendfile(2), cat's ways, move a shared file's
    // offset without its lock, and one's output ends up on top of another's.
    const std::string wrapped = "timeout -k 5 " + seconds_at_most() + " /bin/sh -c '" + quoted + "' >>" +
                                (directory / "out").string() + " 2>>" + (directory / "err").string() + " </dev/null";
    close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);  // so that the command's descriptors count from 3
    const int status = std::system(wrapped.c_str());
    return {.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
            .out = text_file(directory / "out"),
            .err = text_file(directory / "err")};
}

/// For a shell: waits, a minute at most, until a line of the file matches an extended regular expression, or until the
/// process, "$pid", is no more.
inline std::string wait_for_line(const std::string& pattern, const std::string& file, const std::string& process) {
    return "n=0; until grep -Eq \"" + pattern + "\" " + file + "; do n=$((n+1)); [ $n -lt 600 ] || break; kill -0 " +
           process + " || break; sleep 0.1; done; ";
}

inline std::string loader() {
    return (build_dir() / "bin/loader").string();
}
inline std::string prog(const std::string& name) {
    return (build_dir() / "progs" / name).string();
}

inline std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        lines.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return lines;
}

}  // namespace minibpf::test
