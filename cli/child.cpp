// Starting a command and noticing its end without waiting for it.
#include "child.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <thread>

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>

#include <libminibpf/base/error.hpp>

extern char** environ;

namespace cli {

Child::Child(const std::string& command) {
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t ignored_here;  // the loader ignores SIGPIPE; its child is to have the usual manners
    sigemptyset(&ignored_here);
    sigaddset(&ignored_here, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes, &ignored_here);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    const char* arguments[] = {"sh", "-c", command.c_str(), nullptr};
    const int problem =
        posix_spawn(&pid_, "/bin/sh", nullptr, &attributes, const_cast<char* const*>(arguments), environ);
    posix_spawnattr_destroy(&attributes);
    if (problem == 0) return;
    pid_ = -1;
    throw minibpf::Error({.doing = fmt::format("running '{}'", command),
                          .call = "posix_spawn",
                          .code = problem,
                          .blame = minibpf::Blame::usage});
}

Child::~Child() {
    if (pid_ < 0 || has_ended()) return;
    kill(pid_, SIGTERM);
    for (int i = 0; i < 100 && !has_ended(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    if (has_ended()) return;
    kill(pid_, SIGKILL);  // it did not want to hear SIGTERM
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
}

bool Child::has_ended() {
    int status = 0;
    if (!status_ && waitpid(pid_, &status, WNOHANG) == pid_) status_ = status;
    return status_.has_value();
}

std::string Child::complaint() const {
    if (!status_ || *status_ == 0) return {};
    if (WIFSIGNALED(*status_)) return fmt::format("was killed by signal {}", WTERMSIG(*status_));
    return fmt::format("ended with status {}", WEXITSTATUS(*status_));
}

}  // namespace cli
