// Children, commands in the background, scripts.
#include "processes.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "places.hpp"

namespace checker {

using namespace minibpf;

namespace {

[[noreturn]] void fail(const std::string& doing) {
    throw Error({.doing = doing, .call = "", .code = errno, .blame = Blame::facility});
}

void wait_for(int pid) {
    while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
}

void redirect(const std::filesystem::path& file, int to, int flags) {
    const int fd = open(file.c_str(), flags, 0600);
    if (fd < 0 || dup2(fd, to) < 0) _exit(126);
}

}  // namespace

int in_child(const std::function<void()>& work, unsigned uid) {
    const int pid = fork();
    if (pid < 0) fail("starting a child");
    if (pid == 0) {
        if (uid != 0 && setuid(uid) != 0) _exit(126);
        work();
        _exit(0);
    }
    wait_for(pid);
    return pid;
}

int execute_true(unsigned uid) {
    return in_child([] { execl("/bin/true", "true", nullptr); }, uid);
}

TemporaryDirectory::TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "exercise-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) fail("making a directory");
    path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

BackgroundCommand::BackgroundCommand(const std::string& command, const std::filesystem::path& directory,
                                     const Environment& environment)
    : directory_(directory) {
    pid_ = fork();
    if (pid_ < 0) fail("starting a command");
    if (pid_ == 0) {
        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (chdir(directory.c_str()) != 0) _exit(126);
        redirect("/dev/null", 0, O_RDONLY);
        // Appending: copy_file_range(2), cat's way, moves a shared file's offset without its lock.
        redirect("out", 1, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND);
        redirect("err", 2, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND);
        for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
        execlp("bash", "bash", "-c", command.c_str(), nullptr);
        _exit(127);
    }
    setpgid(pid_, pid_);  // by whoever comes first
}

BackgroundCommand::~BackgroundCommand() {
    end();
}

bool BackgroundCommand::has_ended() {
    int status = 0;
    if (!ended_ && waitpid(pid_, &status, WNOHANG) == pid_) {
        ended_ = true;
        status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return ended_;
}

bool BackgroundCommand::left_something() const {
    return kill(-pid_, 0) == 0;
}

void BackgroundCommand::end() {
    const auto is_gone = [&] {
        has_ended();
        while (waitpid(-pid_, nullptr, WNOHANG) > 0) {  // those that came to us when their parent ended
        }
        return !left_something();
    };
    if (is_gone()) return;
    kill(-pid_, SIGTERM);
    if (wait_until(is_gone, 3000)) return;
    kill(-pid_, SIGKILL);
    wait_until(is_gone, 1000);
}

Said BackgroundCommand::said() const {
    return {.status = status_, .out = text_file(directory_ / "out"), .err = text_file(directory_ / "err")};
}

bool wait_until(const std::function<bool()>& done, int timeout_ms) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
    while (!done()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

ScriptRun run_script(KernelGate& gate, const std::filesystem::path& script, const Environment& environment,
                     const std::function<void()>& meanwhile) {
    const TemporaryDirectory directory;
    std::filesystem::create_directory(directory.path() / "bin");
    std::filesystem::create_symlink(build_dir() / "progs", directory.path() / "progs");
    std::filesystem::create_symlink(build_dir() / "exercises", directory.path() / "exercises");
    if (std::system("command -v ping >/dev/null") != 0 && std::filesystem::exists("/usr/bin/busybox"))
        std::filesystem::create_symlink("/usr/bin/busybox", directory.path() / "bin/ping");
    Environment all = environment;
    const char* path = std::getenv("PATH");
    all["PATH"] = (build_dir() / "bin").string() + ":" + (directory.path() / "bin").string() + ":" +
                  (path != nullptr ? path : "/usr/bin:/usr/sbin:/bin:/sbin");

    prctl(PR_SET_CHILD_SUBREAPER, 1);  // what a script leaves behind comes to us, and stays observed
    Observer observer(gate, getpid());
    ScriptRun run;
    BackgroundCommand command("source " + std::filesystem::absolute(script).string(), directory.path(), all);
    run.timed_out = !wait_until(
        [&] {
            for (ObservedCall& call : observer.take()) run.calls.push_back(std::move(call));
            meanwhile();
            return command.has_ended();
        },
        30000);
    // A loader that was told to end needs a moment for it.
    run.left_processes = !wait_until(
        [&] {
            while (waitpid(-command.pid(), nullptr, WNOHANG) > 0) {
            }
            return !command.left_something();
        },
        1000);
    command.end();
    for (ObservedCall& call : observer.take()) run.calls.push_back(std::move(call));
    run.lost_calls = observer.lost();
    run.said = command.said();
    return run;
}

Holder::Holder(const std::function<void(const std::function<void(const std::string&)>& hold)>& set_up) {
    int channel[2];
    if (pipe(channel) != 0) fail("a pipe");
    pid_ = fork();
    if (pid_ < 0) fail("starting a child");
    if (pid_ == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        try {
            set_up([&](const std::string& text) {
                const std::string line = text + "\n";
                if (write(channel[1], line.data(), line.size()) < 0) _exit(1);
                for (;;) pause();
            });
        } catch (const std::exception& error) {
            std::fprintf(stderr, "check: %s\n", error.what());
            _exit(1);
        }
        _exit(0);
    }
    close(channel[1]);
    char byte = 0;
    while (read(channel[0], &byte, 1) == 1 && byte != '\n') text_ += byte;
    close(channel[0]);
}

Holder::~Holder() {
    kill(pid_, SIGKILL);
    wait_for(pid_);
}

void remove_pins(KernelGate& gate, const std::vector<ObservedCall>& calls) {
    for (const ObservedCall& call : calls) {
        if (call.command == BPF_OBJ_PIN && call.ok()) gate.enter(Unlink{.path = call.path()});
    }
}

std::string text_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

std::vector<std::string> words_of(const std::string& line) {
    std::istringstream words(line);
    return {std::istream_iterator<std::string>(words), {}};
}

}  // namespace checker
