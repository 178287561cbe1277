// Provoking events, and running students' scripts: plain fork, exec and waitpid.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <unistd.h>

#include "observer.hpp"

namespace checker {

/// Runs `work` in a child process, as user `uid` where that is not 0, and waits for its end. Answers its pid.
int in_child(const std::function<void()>& work, unsigned uid = 0);

/// A child that executes /bin/true. Answers its pid.
int execute_true(unsigned uid = 0);

struct Said {
    int status = -1;  ///< exit status; 128 + signal when it was killed
    std::string out;
    std::string err;
};

/// A directory of our own, gone with its contents.
class TemporaryDirectory {
public:
    TemporaryDirectory();
    ~TemporaryDirectory();
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    const std::filesystem::path& path() const noexcept { return path_; }

private:
    std::filesystem::path path_;
};

using Environment = std::map<std::string, std::string>;

/// A command of the shell in the background, in a process group of its own. Its death ends the whole group: by SIGTERM,
/// and SIGKILL for those that do not listen.
class BackgroundCommand {
public:
    /// `directory` is where it runs; `out` and `err` are files in it.
    BackgroundCommand(const std::string& command, const std::filesystem::path& directory,
                      const Environment& environment);
    ~BackgroundCommand();
    BackgroundCommand(const BackgroundCommand&) = delete;
    BackgroundCommand& operator=(const BackgroundCommand&) = delete;

    int pid() const noexcept { return pid_; }
    bool has_ended();
    int status() const noexcept { return status_; }  ///< once it has ended
    /// Whether processes of the group are still there, whose first one has ended.
    bool left_something() const;
    void end();
    Said said() const;

private:
    std::filesystem::path directory_;
    int pid_ = -1;
    int status_ = -1;
    bool ended_ = false;
};

/// Waits until `done`, at most so long; answers whether it came true.
bool wait_until(const std::function<bool()>& done, int timeout_ms = 3000);

struct ScriptRun {
    Said said;
    std::vector<ObservedCall> calls;
    std::uint64_t lost_calls = 0;  ///< for which the observer had no room
    bool timed_out = false;
    bool left_processes = false;  ///< they have been ended since
};

/// Runs a script by bash where `progs` leads to the compiled programs and `loader` is in PATH, for 30 seconds at most,
/// and observes it. What it pinned stays: see remove_pins().
ScriptRun run_script(
    minibpf::KernelGate& gate, const std::filesystem::path& script, const Environment& environment = {},
    const std::function<void()>& meanwhile = [] {});

/// A child that sets something up and keeps it until this dies: a process that holds programs, maps and links.
class Holder {
public:
    /// `set_up` runs in the child, and calls `hold`, which never returns, when everything is there. The text that it
    /// passes comes back as text().
    explicit Holder(const std::function<void(const std::function<void(const std::string&)>& hold)>& set_up);
    ~Holder();
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;
    int pid() const noexcept { return pid_; }
    const std::string& text() const noexcept { return text_; }

private:
    int pid_ = -1;
    std::string text_;
};

/// Takes away what these calls have pinned.
void remove_pins(minibpf::KernelGate& gate, const std::vector<ObservedCall>& calls);

std::string text_file(const std::filesystem::path& path);
std::vector<std::string> lines_of(const std::string& text);
std::vector<std::string> words_of(const std::string& line);

}  // namespace checker
