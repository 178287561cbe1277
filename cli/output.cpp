// Output and the ways in which a run is told to end.
#include "output.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <libminibpf/base/lines.hpp>

namespace cli {

namespace {

volatile std::sig_atomic_t stop_asked = 0;

char output_buffer[1 << 16];
char input_buffer[1 << 12];

extern "C" void on_signal(int) {
    stop_asked = 1;
}

std::string indented(std::string_view text) {
    std::string out;
    while (!text.empty()) out += fmt::format("    {}\n", minibpf::take_line(text));
    return out;
}

}  // namespace

void prepare_streams() {
    // A closed standard descriptor would become the first map or program, and narration be written into it.
    for (int fd = open("/dev/null", O_RDWR); fd >= 0; fd = open("/dev/null", O_RDWR)) {
        if (fd <= STDERR_FILENO) continue;
        close(fd);
        break;
    }
    std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is seen by flush_output()
    std::signal(SIGCHLD, SIG_DFL);  // ignored, as a parent may leave it, no child's end could be waited for
    std::setvbuf(stdout, output_buffer, _IOFBF, sizeof(output_buffer));
    std::setvbuf(stdin, input_buffer, _IOFBF, sizeof(input_buffer));
}

void say(std::string_view line) {
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fputc('\n', stdout);
}

void say_as_it_is(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
}

void flush_output() {
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return;
    const int problem = errno;
    ask_to_stop();
    if (problem == EPIPE) return;
    throw minibpf::Error(
        {.doing = "writing standard output", .call = "write", .code = problem, .blame = minibpf::Blame::usage});
}

std::string printable(std::string_view text) {
    std::string shown;
    for (char c : text) {
        const bool is_control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
        shown += is_control && c != '\t' ? fmt::format("\\x{:02x}", static_cast<unsigned char>(c)) : std::string(1, c);
    }
    return shown;
}

void note(std::string_view line) {
    const std::string text = fmt::format("{}\n", line);
    std::fwrite(text.data(), 1, text.size(), stderr);
}

void print_error(const minibpf::Error& error) {
    const minibpf::ErrorDetail& detail = error.detail();
    std::string text = fmt::format("loader: {}\n", detail.doing);
    if (!detail.call.empty()) text += fmt::format("  call:  {}\n", detail.call);
    if (detail.code != 0) text += fmt::format("  error: {}\n", minibpf::errno_text(detail.code));
    if (!detail.kernel_log.empty()) text += fmt::format("  the kernel's log:\n{}", indented(detail.kernel_log));
    if (!detail.hint.empty()) text += fmt::format("  try:   {}\n", detail.hint);
    std::fwrite(text.data(), 1, text.size(), stderr);
}

bool use_color(int fd) {
    const char* no_color = std::getenv("NO_COLOR");
    if (no_color != nullptr && *no_color != '\0') return false;
    // isatty(3) would be an ioctl in the strace; a terminal is a character device with one of these major numbers
    // (Documentation/admin-guide/devices.txt): 4 the console, 136 to 143 pseudo-terminals.
    struct stat status {};
    if (fstat(fd, &status) != 0 || !S_ISCHR(status.st_mode)) return false;
    const unsigned type = major(status.st_rdev);
    return type == 4 || (type >= 136 && type <= 143);
}

bool should_stop() {
    return stop_asked != 0;
}

void ask_to_stop() {
    stop_asked = 1;
}

void catch_signals() {
    struct sigaction action {};
    action.sa_handler = on_signal;  // without SA_RESTART: waiting ends at once
    for (int signal : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction before {};
        sigaction(signal, nullptr, &before);
        if (before.sa_handler != SIG_IGN) sigaction(signal, &action, nullptr);
    }
}

}  // namespace cli
