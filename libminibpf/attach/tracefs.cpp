// Finding tracefs, and mounting it where nobody has.
#include <libminibpf/attach/tracefs.hpp>

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>

#include <libminibpf/base/lines.hpp>
#include <libminibpf/base/nearest.hpp>
#include <libminibpf/kernel/files.hpp>
#include <libminibpf/kernel/kernel_error.hpp>
#include <libminibpf/load/kernel_symbols.hpp>

namespace minibpf {

namespace {

constexpr std::array<const char*, 2> roots = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};

// Every tracefs has this file; the empty mount point that sysfs offers does not.
bool is_mounted(KernelGate& gate, const std::string& root) {
    const Answer answer =
        gate.enter(OpenAt{.path = root + "/available_events", .flags = O_RDONLY}, "is tracefs mounted here?");
    if (answer.ok()) Fd(gate, answer.fd()).reset();
    return answer.ok() || answer.error == EACCES || answer.error == EPERM;
}

void mount_tracefs(KernelGate& gate) {
    const Mount call{.source = "nodev", .target = roots[0], .filesystem = "tracefs"};
    const Answer answer =
        gate.enter(call, "tracefs is mounted nowhere, and without it there are no tracepoints to be found");
    if (answer.ok()) return;
    const char* hint = answer.error == ENODEV ? "this kernel was built without tracing (CONFIG_FTRACE, CONFIG_TRACING)"
                                              : "as root: mount -t tracefs nodev /sys/kernel/tracing";
    throw kernel_error("looking for tracefs, which is not mounted", call, answer, hint).with_blame(Blame::facility);
}

TracefsFile opened_or_absent(KernelGate& gate, const OpenAt& call, const Answer& answer) {
    if (answer.ok()) return {.fd = Fd(gate, answer.fd()), .path = call.path};
    if (answer.error == ENOENT) return {.fd = Fd(), .path = call.path};
    std::string hint;
    if (answer.error == EBUSY) hint = "another process holds it open; only one may";
    if (answer.error == EPERM) hint = lockdown_hint(gate);
    if (hint.empty() && (answer.error == EACCES || answer.error == EPERM))
        hint = "tracefs is root's alone, as it is mounted here: run as root";
    throw kernel_error(fmt::format("opening {}", call.path), call, answer, std::move(hint));
}

}  // namespace

TracefsFile open_tracefs(KernelGate& gate, const std::string& name, int flags, const Reason& reason) {
    OpenAt call{.path = fmt::format("{}/{}", roots[0], name), .flags = flags};
    Answer answer = gate.enter(call, reason);
    if (answer.error != ENOENT) return opened_or_absent(gate, call, answer);
    for (const char* root : roots) {
        if (!is_mounted(gate, root)) continue;
        if (root == roots[0]) return opened_or_absent(gate, call, answer);
        call.path = fmt::format("{}/{}", root, name);
        return opened_or_absent(gate, call, gate.enter(call, reason));
    }
    mount_tracefs(gate);
    answer = gate.enter(call, reason);
    return opened_or_absent(gate, call, answer);
}

std::vector<std::string> available_events(KernelGate& gate) {
    std::vector<std::string> events;
    Bytes content;
    try {
        const TracefsFile file = open_tracefs(gate, "available_events", O_RDONLY, "to find the nearest name");
        if (file.fd.is_open()) content = read_all(gate, file.fd.get(), file.path);
    } catch (const Error&) {
        return events;  // the names are for a hint only
    }
    std::string_view text = text_of(content);
    while (!text.empty()) events.emplace_back(take_line(text));
    return events;
}

std::string did_you_mean(std::string_view wanted, const std::vector<std::string>& names) {
    const std::vector<std::string_view> candidates(names.begin(), names.end());
    const std::string near = nearest(wanted, candidates);
    return near.empty() ? std::string() : fmt::format("did you mean {}?", near);
}

}  // namespace minibpf
