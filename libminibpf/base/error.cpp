// Errors as values with five parts; see error.hpp for who throws and who catches.
#include <libminibpf/base/error.hpp>

#include <cstring>

#include <fmt/format.h>

namespace minibpf {

namespace {

std::string summary(const ErrorDetail& detail) {
    std::string text = detail.doing;
    if (!detail.call.empty()) text += fmt::format(": {}", detail.call);
    if (detail.code != 0) text += fmt::format(": {}", errno_text(detail.code));
    return text;
}

}  // namespace

Error::Error(ErrorDetail detail) : std::runtime_error(summary(detail)), detail_(std::move(detail)) {}

Error Error::within(const std::string& outer) const {
    ErrorDetail extended = detail_;
    extended.doing = fmt::format("{}: {}", outer, extended.doing);
    return Error(std::move(extended));
}

Error Error::with_hint(std::string hint) const {
    ErrorDetail changed = detail_;
    changed.hint = std::move(hint);
    return Error(std::move(changed));
}

Error Error::with_blame(Blame blame) const {
    ErrorDetail changed = detail_;
    changed.blame = blame;
    return Error(std::move(changed));
}

std::string errno_name(int code) {
    // ENOTSUPP is the kernel's own, for callers inside it, but BPF and perf let it out (include/linux/errno.h).
    if (code == 524) return "ENOTSUPP";
    const char* name = strerrorname_np(code);
    return name != nullptr ? name : fmt::format("errno {}", code);
}

std::string errno_text(int code) {
    if (code == 524) return "ENOTSUPP (Operation is not supported)";
    const char* name = strerrorname_np(code);
    if (name == nullptr) return errno_name(code);
    return fmt::format("{} ({})", name, strerrordesc_np(code));
}

void throw_malformed(std::string doing, std::string hint) {
    throw Error({.doing = std::move(doing), .hint = std::move(hint), .blame = Blame::object});
}

void throw_usage(std::string doing, std::string hint) {
    throw Error({.doing = std::move(doing), .hint = std::move(hint), .blame = Blame::usage});
}

}  // namespace minibpf
