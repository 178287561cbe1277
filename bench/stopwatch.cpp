// How long a command takes from its start to its end: prints nanoseconds.
//
//     stopwatch bpftool prog loadall hello.bpf.o /sys/fs/bpf/hello   ->   4712345
//
// posix_spawnp(3) instead of a shell's fork, so that what it costs to start a process does not depend on the shell.
// What the command prints goes nowhere; if it fails, so does the stopwatch.
#include <cstdio>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include "runner.hpp"

extern char** environ;

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: %s COMMAND…\n", argv[0]);
        return 2;
    }
    posix_spawn_file_actions_t silently;
    posix_spawn_file_actions_init(&silently);
    posix_spawn_file_actions_addopen(&silently, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&silently, 1, 2);

    const std::int64_t begin = now_ns();
    pid_t pid = 0;
    int status = 0;
    if (posix_spawnp(&pid, argv[1], &silently, nullptr, argv + 1, environ) != 0 || waitpid(pid, &status, 0) < 0) {
        std::perror(argv[1]);
        return 127;
    }
    const std::int64_t ns = now_ns() - begin;
    if (status != 0) return 1;
    std::printf("%lld\n", static_cast<long long>(ns));
}
