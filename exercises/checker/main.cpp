// check_exercise: looks at what a student's program really does. `loader check` runs it.
//
//     check_exercise                                each exercise, and whether it is done
//     check_exercise chapter2                       all of a chapter
//     check_exercise chapter2/odd-even [FILE]       one; FILE in the place of the one in its folder
//
// Exit status: 0 all is as it should be; 1 not yet; 2 wrong usage; 3 FILE is malformed; 4 a privilege or a facility of
// the kernel is missing.
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exercise.hpp"

namespace {

using namespace checker;
using minibpf::Blame;
using minibpf::Error;

constexpr const char* help = R"(Usage: loader check [--calls] [EXERCISE [FILE]]

Looks at what your solution of an exercise really does: the calls it makes, what the kernel has, what it says.
Each thing that was looked at gets a line, `ok` or `not yet`; the first `not yet` names the hint to read.

  loader check                              each exercise, and whether it is done
  loader check chapter2                     all of a chapter
  loader check chapter2/odd-even            the file in exercises/chapter2/odd-even/
  loader check chapter2/odd-even FILE       another file: a .bpf.c, an object that is compiled already, a script
  loader check --list                       the exercises alone
  --calls                                   show the system calls too

exercises/README.md has all exercises. Exit status: 0 done; 1 not yet; 2 wrong usage; 3 the file is malformed; 4 a privilege
or a facility of the kernel is missing.)";

void print_error(const Error& error) {
    std::string text = fmt::format("check: {}\n", error.detail().doing);
    if (!error.detail().call.empty()) text += fmt::format("  call:  {}\n", error.detail().call);
    if (error.detail().code != 0) text += fmt::format("  error: {}\n", minibpf::errno_text(error.detail().code));
    if (!error.detail().kernel_log.empty()) text += error.detail().kernel_log + "\n";
    if (!error.detail().hint.empty()) text += fmt::format("  try:   {}\n", error.detail().hint);
    std::fflush(stdout);
    std::fputs(text.c_str(), stderr);
}

void require_machine() {
    if (geteuid() != 0)
        throw Error(
            {.doing = "exercises are checked as root", .hint = "sudo ./loader check", .blame = Blame::facility});
    // BPF programs see the kernel's own numbers of processes, and here they have to be the ones that fork() gives. The
    // first namespace always has this number (PROC_PID_INIT_INO, include/uapi/linux/nsfs.h).
    std::error_code ignored;
    if (std::filesystem::read_symlink("/proc/self/ns/pid", ignored) != "pid:[4026531836]")
        throw Error({.doing = "exercises cannot be checked in a PID namespace, such as a container's",
                     .hint = "on the machine itself, or in a container that was started with --pid=host",
                     .blame = Blame::facility});
}

int check_one(const Exercise& exercise, const std::string& file, bool show_calls) {
    std::printf("%s: %s\n", exercise.name, exercise.title);
    Findings findings(exercise);
    Attempt attempt(exercise, file.empty() ? folder_of(exercise) / exercise.file : std::filesystem::path(file));
    int status = 0;
    try {
        if (!std::filesystem::is_regular_file(attempt.file()))
            throw Error({.doing = fmt::format("there is no file {}", attempt.file().string()), .blame = Blame::usage});
        require_machine();
        exercise.check(attempt, findings);
        status = findings.all_ok() ? 0 : 1;
    } catch (const NotYet&) {
        status = 1;
    } catch (const Error& error) {
        print_error(error);
        return static_cast<int>(error.detail().blame);
    }
    if (show_calls) {
        for (const std::string& call : attempt.calls()) findings.note(call);
    }
    findings.print_end();
    return status;
}

// In a child, so that one that goes wrong does not spoil the rest.
int check_silently(const Exercise& exercise) {
    std::fflush(nullptr);
    const int pid = fork();
    if (pid == 0) {
        const int null = open("/dev/null", O_WRONLY);
        dup2(null, 1);
        dup2(null, 2);
        _exit(check_one(exercise, "", false));
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

const char* state_text(int status) {
    switch (status) {
        case 0: return "done";
        case 3: return "not yet: does not compile";
        case 4: return "cannot be checked here";
        default: return "not yet";
    }
}

int check_many(const std::vector<Exercise>& exercises) {
    std::size_t done = 0;
    for (const Exercise& exercise : exercises) {
        std::printf("%-28s  ", exercise.name);
        std::fflush(stdout);
        const int status = check_silently(exercise);
        std::printf("%-26s  %s\n", state_text(status), exercise.title);
        done += status == 0;
    }
    std::printf("%zu of %zu are done.\n", done, exercises.size());
    return done == exercises.size() ? 0 : 1;
}

int list(const std::vector<Exercise>& exercises) {
    for (const Exercise& exercise : exercises)
        std::printf("%-28s  %-24s  %s\n", exercise.name, exercise.file, exercise.title);
    return 0;
}

int check(const std::string& what, const std::string& file, bool show_calls) {
    std::vector<Exercise> chapter;
    for (const Exercise& exercise : all_exercises()) {
        if (what == exercise.name) return check_one(exercise, file, show_calls);
        if (std::string_view(exercise.name).starts_with(what + "/")) chapter.push_back(exercise);
    }
    if (what.empty()) return check_many(all_exercises());
    if (!chapter.empty() && file.empty()) return check_many(chapter);
    std::fprintf(stderr, "check: there is no exercise '%s'; `loader check --list` shows them\n", what.c_str());
    return 2;
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<std::string> names;
    bool show_calls = false, show_list = false;
    for (int i = 1; i < argc; ++i) {
        const std::string argument = argv[i];
        if (argument == "--help" || argument == "-h") return std::puts(help), 0;
        if (argument == "--calls")
            show_calls = true;
        else if (argument == "--list")
            show_list = true;
        else if (argument.starts_with("-") || names.size() == 2)
            return std::fprintf(stderr, "%s\n", help), 2;
        else
            names.push_back(argument);
    }
    names.resize(2);
    // As a shell completes it.
    std::string what = names[0];
    while (what.ends_with("/")) what.pop_back();
    if (what.starts_with("exercises/")) what.erase(0, std::strlen("exercises/"));
    try {
        return show_list ? list(all_exercises()) : check(what, names[1], show_calls);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "check: %s: this is a bug of the checker\n", error.what());
        return 1;
    }
}
