// `loader check`: the exercises' checker is a program of its own, which lies beside the loader where both were built.
#include <cerrno>

#include <fmt/format.h>
#include <unistd.h>

#include <libminibpf/base/error.hpp>
#include <libminibpf/kernel/files.hpp>
#include <libminibpf/kernel/live_gate.hpp>

#include "command.hpp"

namespace cli {

using namespace minibpf;

namespace {

constexpr const char* check_examples = R"(Examples:
  loader check                              each exercise, and whether it is done
  loader check chapter2                     all of a chapter
  loader check chapter2/odd-even            your file in exercises/chapter2/odd-even/
  loader check chapter2/odd-even FILE       another file
  loader check --list                       the exercises alone
  loader check chapter2/odd-even --calls    with the system calls that were made

exercises/README.md says what the exercises are.)";

[[noreturn]] void run_checker(std::vector<std::string> arguments) {
    LiveGate gate;
    const std::string self = read_link(gate, "/proc/self/exe").value_or("loader");
    const std::string checker = self.substr(0, self.rfind('/') + 1) + "check_exercise";
    arguments.insert(arguments.begin(), checker);
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    execv(checker.c_str(), pointers.data());
    throw Error({.doing = fmt::format("starting the checker, {}", checker),
                 .call = "execve",
                 .code = errno,
                 .hint = "the exercises come with minibpf's sources: run `./loader check` there",
                 .blame = Blame::facility});
}

}  // namespace

Action declare_check(CLI::App& app) {
    const auto exercise = std::make_shared<std::string>(), file = std::make_shared<std::string>();
    const auto list = std::make_shared<bool>(false), calls = std::make_shared<bool>(false);
    app.add_option("EXERCISE", *exercise, "a chapter, or one of its exercises; without it: all");
    app.add_option("FILE", *file, "what to look at instead of the file in the exercise's folder");
    app.add_flag("--list", *list, "show the exercises, without checking one");
    app.add_flag("--calls", *calls, "show the system calls as well");
    app.footer(check_examples);
    return [exercise, file, list, calls] {
        std::vector<std::string> arguments;
        for (const auto& argument : {exercise, file}) {
            if (!argument->empty()) arguments.push_back(*argument);
        }
        if (*list) arguments.insert(arguments.begin(), "--list");
        if (*calls) arguments.insert(arguments.begin(), "--calls");
        run_checker(std::move(arguments));
    };
}

}  // namespace cli
