// Loads an object with one of the libraries and prints what the kernel then reports:
//
//     parity_libbpf OBJECT          attempt: the whole object
//                                   loaded
//                                   program xdp_pass: tag = 3b185187f1855c4c
//                                   …
//                                   told xdp_pass = type 6, expected_attach_type 37, flags 0, attach_btf_id 0
//     parity_libbpf --each OBJECT   the same for each program by itself; an attempt that fails says
//                                   refused: EINVAL: loading program 'xdp_pass'
//     parity_libbpf --optional OBJECT    for each that is not loaded with the whole object: SEC("?...")
//
// Nothing is attached, and pins go to a bpffs that ends with the attempt. What the library has to say goes to standard
// error.
#include <tests/parity/runner.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tests/parity/told.hpp>

namespace minibpf::test {

namespace {

void print(const std::string& text) {
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
}

// In a mount namespace that ends with the process, so that what is pinned by name is not found by the next attempt.
void have_own_bpffs() {
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("bpf", "/sys/fs/bpf", "bpf", 0, nullptr) != 0) {
        std::perror("a bpffs in a mount namespace");
        std::_Exit(2);
    }
}

// A crash, or a verifier that finds no end, is an outcome too.
void in_child(const std::function<std::string()>& outcome) {
    const pid_t child = fork();
    if (child == 0) {
        alarm(100);
        have_own_bpffs();
        std::string lines;
        try {
            lines = outcome();
        } catch (const std::exception& error) {
            lines = std::string("refused: ") + error.what() + "\n";
        }
        print(lines + told_lines());
        std::_Exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) {
        const bool took_too_long = WTERMSIG(status) == SIGALRM;
        print(took_too_long ? "refused: not done after 100 s\n"
                            : std::string("refused: died of ") + strsignal(WTERMSIG(status)) + "\n");
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0) std::exit(WEXITSTATUS(status));
}

void attempt(const Request& request, const std::string& program) {
    print("attempt: " + (program.empty() ? "the whole object" : program) + "\n");
    in_child([&] { return "loaded\n" + kernel_report(open_and_load(request, program)); });
}

// Opening may crash as well, so the names come from a child.
std::vector<std::string> names_from_child(const Request& request, bool only_optional) {
    int ends[2];
    if (pipe(ends) != 0) std::abort();
    const pid_t child = fork();
    if (child == 0) {
        std::string lines;
        try {
            for (const ProgramName& program : program_names(request)) {
                if (program.optional || !only_optional) lines += program.name + "\n";
            }
        } catch (const std::exception&) {
            // The attempt to load it has said why.
        }
        std::FILE* names = fdopen(ends[1], "w");
        std::fputs(lines.c_str(), names);
        std::fclose(names);
        std::_Exit(0);
    }
    close(ends[1]);
    std::vector<std::string> names;
    std::FILE* lines = fdopen(ends[0], "r");
    for (char line[4096]; std::fgets(line, sizeof line, lines) != nullptr;)
        names.emplace_back(line, std::strcspn(line, "\n"));
    std::fclose(lines);
    waitpid(child, nullptr, 0);
    return names;
}

}  // namespace

}  // namespace minibpf::test

int main(int argc, char** argv) {
    using namespace minibpf::test;
    Request request;
    bool each = false, only_optional = false;
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "--each") == 0) {
            each = true;
        } else if (std::strcmp(argv[i], "--optional") == 0) {
            each = only_optional = true;
        } else if (std::strcmp(argv[i], "--btf") == 0 && i + 1 < argc) {
            request.core_btf = argv[++i];
        } else {
            request.path = argv[i];
        }
    }
    if (request.path.empty()) {
        std::fprintf(stderr, "usage: %s [--each | --optional] [--btf FILE] OBJECT\n", argv[0]);
        return 2;
    }
    if (!each) {
        attempt(request, "");
    } else {
        for (const std::string& name : names_from_child(request, only_optional)) attempt(request, name);
    }
}
