// Chapter 2: printing, counting, attaching.
#include <cstdio>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/syscall.h>

#include "exercise.hpp"

namespace checker {

using namespace minibpf;

namespace {

constexpr unsigned some_user = 12345;  // of whom nobody else runs anything

bool any_has(const std::vector<std::string>& messages, std::string_view word) {
    for (const std::string& message : messages) {
        if (message.find(word) != std::string::npos) return true;
    }
    return false;
}

void check_odd_even(Attempt& attempt, Findings& findings) {
    StudentObject program(attempt);
    PrintedLines lines(attempt.silent_gate());
    program.load(findings, 1);
    program.attach(findings, 1);
    bool seen[2] = {};
    for (int i = 0; i < 50 && !(seen[0] && seen[1]); ++i) {
        const int pid = execute_true();
        if (seen[pid % 2]) continue;
        seen[pid % 2] = true;
        wait_until([&] { return !lines.of(pid).empty(); }, 1000);
        const std::vector<std::string> messages = lines.of(pid);
        const std::string wanted = pid % 2 == 0 ? "even" : "odd", other = pid % 2 == 0 ? "odd" : "even";
        findings.expect(any_has(messages, wanted) && !any_has(messages, other),
                        fmt::format("process {} executes /bin/true, and its line says {}", pid, wanted),
                        fmt::format("a line with \"{}\", and none with \"{}\"", wanted, other), list_text(messages),
                        any_has(messages, "even") || any_has(messages, "odd") ? 2 : 1);
    }
}

std::uint64_t count_of(const Map& map, std::uint64_t key) {
    Bytes bytes(map.spec().key_size);
    std::memcpy(bytes.data(), &key, std::min(bytes.size(), sizeof key));  // little-endian: the low bytes come first
    const auto value = map.lookup(bytes);
    std::uint64_t count = 0;
    if (value) std::memcpy(&count, value->data(), std::min(value->size(), sizeof count));
    return count;
}

void require_map(StudentObject& program, Findings& findings, const char* name) {
    findings.require(program.spec().find_map(name) != nullptr, fmt::format("there is a map {}", name),
                     fmt::format("a map of this name"), "no such map", 1);
}

void check_several_syscalls(Attempt& attempt, Findings& findings) {
    StudentObject program(attempt);
    require_map(program, findings, "counter_table");
    program.load(findings, 1);
    findings.expect(program.users_of("counter_table") >= 3, "three programs use counter_table", "3",
                    std::to_string(program.users_of("counter_table")), 1);
    program.attach(findings, 2);
    const Map& counts = program.object().require_map("counter_table");
    const auto expect_more = [&](const char* what, std::uint64_t times, const std::function<void()>& work) {
        const std::uint64_t before = count_of(counts, some_user);
        in_child(work, some_user);
        const std::uint64_t more = count_of(counts, some_user) - before;
        findings.expect(more == times, fmt::format("{} by user {} is counted", what, some_user),
                        fmt::format("{} more", times), fmt::format("{} more", more), 2);
    };
    expect_more("a file opened three times", 3, [] {
        for (int i = 0; i < 3; ++i) close(open("/dev/null", O_RDONLY));
    });
    expect_more("a file deleted twice", 2, [] {
        for (int i = 0; i < 2; ++i) unlinkat(AT_FDCWD, "/no such file", 0);
    });
    // What /bin/true itself opens comes on top, so it is a program that cannot be executed.
    expect_more("something executed once", 1, [] { execl("/no such program", "x", nullptr); });
}

void check_syscalls_per_user(Attempt& attempt, Findings& findings) {
    StudentObject program(attempt);
    require_map(program, findings, "counter_table");
    program.load(findings, 1);
    program.attach(findings, 1);
    findings.expect(attempt.called("raw_tracepoint={name=\"sys_enter\""), "it is attached to raw tracepoint sys_enter",
                    "a call bpf(BPF_RAW_TRACEPOINT_OPEN, {raw_tracepoint={name=\"sys_enter\", ...", "none", 1);
    const Map& counts = program.object().require_map("counter_table");
    const std::uint64_t before = count_of(counts, some_user);
    in_child(
        [] {
            for (int i = 0; i < 1000; ++i) syscall(SYS_getppid);
        },
        some_user);
    const std::uint64_t more = count_of(counts, some_user) - before;
    findings.expect(more >= 1000 && more < 1100, fmt::format("1000 system calls of user {} are counted", some_user),
                    "1000, and a few for the process's end", std::to_string(more), 2);
}

void check_section_name(Attempt& attempt, Findings& findings) {
    StudentObject program(attempt);
    PrintedLines lines(attempt.silent_gate());
    program.load(findings, 1);
    program.attach(findings, 1);
    findings.expect(attempt.called("PERF_EVENT_IOC_SET_BPF"), "it is at a tracepoint, which is a perf event",
                    "a call ioctl(FD, PERF_EVENT_IOC_SET_BPF, FD)", "none", 2);
    const int deletes = in_child([] { unlinkat(AT_FDCWD, "/no such file", 0); });
    wait_until([&] { return !lines.of(deletes).empty(); }, 1000);
    findings.expect(!lines.of(deletes).empty(), fmt::format("process {} deletes a file, and there is a line", deletes),
                    "a line", list_text(lines.of(deletes)), 2);
    const int opens = in_child([] { close(open("/dev/null", O_RDONLY)); });
    findings.expect(lines.of(opens).empty(), fmt::format("process {} opens a file, and there is none", opens),
                    "no line", list_text(lines.of(opens)), 2);
}

void check_by_number(Attempt& attempt, Findings& findings) {
    StudentObject program(attempt);
    require_map(program, findings, "counter_table");
    program.load(findings, 1);
    program.attach(findings, 1);
    const Map& counts = program.object().require_map("counter_table");
    struct Call {
        const char* name;
        long number;
        std::uint64_t times;
    };
    for (const Call& call : {Call{"getpgid", SYS_getpgid, 500}, Call{"getsid", SYS_getsid, 300}}) {
        const std::uint64_t before = count_of(counts, static_cast<std::uint64_t>(call.number));
        in_child([&] {
            for (std::uint64_t i = 0; i < call.times; ++i) syscall(call.number, 0);
        });
        const std::uint64_t more = count_of(counts, static_cast<std::uint64_t>(call.number)) - before;
        // Others make such calls too, but rarely.
        findings.expect(more >= call.times && more < call.times + 50,
                        fmt::format("{} calls of {}, number {}, are counted under key {}", call.times, call.name,
                                    call.number, call.number),
                        fmt::format("{} more", call.times), fmt::format("{} more", more), 2);
    }
}

constexpr Exercise exercises2[] = {
    {"chapter2/odd-even", "odd_even.bpf.c", "say whether a process's number is odd or even", check_odd_even},
    {"chapter2/several-syscalls", "several_syscalls.bpf.c", "feed one map from the programs of several system calls",
     check_several_syscalls},
    {"chapter2/syscalls-per-user", "syscalls_per_user.bpf.c", "count each user's system calls, all of them",
     check_syscalls_per_user},
    {"chapter2/section-name", "section_name.bpf.c", "let the section name say where a program is attached",
     check_section_name},
    {"chapter2/by-syscall-number", "by_syscall_number.bpf.c", "count by the system call's number", check_by_number},
};

}  // namespace

std::span<const Exercise> chapter2_exercises() {
    return exercises2;
}

}  // namespace checker
