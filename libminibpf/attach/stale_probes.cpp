// A perf event of the PMU dies with its process; a line in kprobe_events or uprobe_events does not. Ours say by their
// names whose they are, so the next loader finds those of the dead:
//
//     p:minibpf/do_unlinkat_4711_1 do_unlinkat
#include <libminibpf/attach/stale_probes.hpp>

#include <algorithm>

#include <fcntl.h>
#include <fmt/format.h>

#include <libminibpf/attach/tracefs.hpp>
#include <libminibpf/base/error.hpp>
#include <libminibpf/base/lines.hpp>
#include <libminibpf/kernel/files.hpp>

namespace minibpf {

namespace {

// "4711" of "do_unlinkat_4711_1"; empty for a name of another form.
std::string_view owner_of_probe(std::string_view event) {
    const std::size_t last = event.rfind('_');
    if (last == std::string_view::npos || last == 0) return {};
    const std::size_t before = event.rfind('_', last - 1);
    if (before == std::string_view::npos) return {};
    const std::string_view pid = event.substr(before + 1, last - before - 1);
    return pid.find_first_not_of("0123456789") == std::string_view::npos ? pid : std::string_view();
}

bool is_gone(KernelGate& gate, std::string_view pid) {
    const OpenAt call{.path = fmt::format("/proc/{}/stat", pid), .flags = O_RDONLY};
    const Answer answer = gate.enter(call, "is the process that made this probe still there?");
    if (answer.ok()) Fd(gate, answer.fd()).reset();
    return answer.error == ENOENT;
}

std::vector<std::string> stale_events(KernelGate& gate, const std::string& list) {
    std::vector<std::string> stale;
    const TracefsFile file = open_tracefs(gate, list, O_RDONLY, "did a loader that was killed leave probes behind?");
    if (!file.fd.is_open()) return stale;
    const Bytes content = read_all(gate, file.fd.get(), file.path);
    std::string_view text = text_of(content);
    while (!text.empty()) {
        std::string_view line = take_line(text);
        constexpr std::string_view group = ":minibpf/";
        const std::size_t begin = line.find(group);
        if (begin == std::string_view::npos || begin > line.find(' ')) continue;
        line.remove_prefix(begin + group.size());
        const std::string_view event = line.substr(0, line.find(' '));
        const std::string_view pid = owner_of_probe(event);
        if (!pid.empty() && is_gone(gate, pid)) stale.emplace_back(event);
    }
    return stale;
}

void remove_from(KernelGate& gate, const std::string& list, std::vector<std::string>& removed) {
    const std::vector<std::string> stale = stale_events(gate, list);
    if (stale.empty()) return;
    const TracefsFile file =
        open_tracefs(gate, list, O_WRONLY | O_APPEND, "they are removed by lines in the same file");
    if (!file.fd.is_open()) return;
    for (const std::string& event : stale) {
        const std::string line = "-:minibpf/" + event;
        const Write write{.fd = file.fd.get(), .data = bytes_of(std::string_view(line))};
        if (gate.enter(write, "its process is gone").ok()) removed.push_back(event);
    }
}

}  // namespace

std::vector<std::string> remove_stale_probes(KernelGate& gate, const std::string& list) {
    std::vector<std::string> removed;
    try {
        remove_from(gate, list, removed);
    } catch (const Error&) {
        // No tracefs, or no permission to look: then there is nothing that could be done.
    }
    return removed;
}

std::vector<std::string> remove_stale_probes(KernelGate& gate) {
    std::vector<std::string> removed = remove_stale_probes(gate, "kprobe_events");
    const std::vector<std::string> uprobes = remove_stale_probes(gate, "uprobe_events");
    removed.insert(removed.end(), uprobes.begin(), uprobes.end());
    return removed;
}

}  // namespace minibpf
