// The narration's way out: standard error, or a file that gets out of the way of the object's descriptors.
#include "narration.hpp"

#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <libminibpf/base/error.hpp>

#include "output.hpp"

namespace cli {

using namespace minibpf;

namespace {

// With a descriptor far from the others, so that the object's own count from 3, as they do without a trace.
std::FILE* open_out_of_the_way(const std::string& path) {
    constexpr int far = 100;
    const int near = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    const int fd = near >= 0 ? fcntl(near, F_DUPFD_CLOEXEC, far) : -1;
    std::FILE* file = fd >= 0 ? fdopen(fd, "w") : nullptr;
    const int problem = errno;
    if (near >= 0) close(near);
    if (file != nullptr) return file;
    throw Error({.doing = fmt::format("opening {} for the trace", path),
                 .call = "open",
                 .code = problem,
                 .blame = Blame::usage});
}

}  // namespace

void declare_trace(CLI::App& app, Trace& trace) {
    app.add_flag_callback(
        "--trace",
        [&trace] {
            if (!trace) trace = "-";
        },
        "only strace's lines, to standard error; --trace=FILE: to a file");
    app.add_option("--trace-to", trace)->group("");  // --trace=FILE, hidden from the help
}

NarrationFile::NarrationFile(const Trace& trace) {
    if (!trace || *trace == "-") return;
    owned_.reset(open_out_of_the_way(*trace));
    // A buffer of our own: the C library would ask with ioctl(TCGETS) whether a device such as /dev/tty is a terminal.
    std::setvbuf(owned_.get(), buffer_, _IOFBF, sizeof(buffer_));
}

void NarrationFile::finish() const {
    if (!owned_ || (std::fflush(owned_.get()) == 0 && std::ferror(owned_.get()) == 0)) return;
    throw Error({.doing = "writing the trace", .call = "write", .code = errno, .blame = Blame::usage});
}

QueryGate::QueryGate(const Trace& trace)
    : is_traced_(trace.has_value()),
      file_(trace),
      narrating_(live_, FileSink(file_.get()),
                 {.reasons = false, .color = trace && *trace == "-" && use_color(STDERR_FILENO)}) {}

}  // namespace cli
