// CPU lists as sysfs prints them (Documentation/admin-guide/cputopology.rst).
#include <libminibpf/kernel/cpus.hpp>

#include <charconv>

#include <fmt/format.h>

#include <libminibpf/base/error.hpp>
#include <libminibpf/kernel/files.hpp>

namespace minibpf {

namespace {

constexpr int most_cpus = 65536;

int parse_cpu(std::string_view& text) {
    int cpu = -1;
    const auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), cpu);
    if (problem != std::errc() || cpu < 0 || cpu >= most_cpus) {
        throw_malformed(fmt::format("CPU list: no CPU number at '{}'", text.substr(0, 32)));
    }
    text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
    return cpu;
}

bool take(std::string_view& text, char wanted) {
    if (text.empty() || text.front() != wanted) return false;
    text.remove_prefix(1);
    return true;
}

/// Calls visit(first, last) for each range of a list.
template <class Visit>
void for_each_range(std::string_view text, Visit visit) {
    do {
        const int first = parse_cpu(text);
        const int last = take(text, '-') ? parse_cpu(text) : first;
        if (last < first) throw_malformed(fmt::format("CPU list: {}-{} runs backwards", first, last));
        visit(first, last);
    } while (take(text, ','));
    take(text, '\n');
    if (!text.empty()) throw_malformed(fmt::format("CPU list: '{}' is left over", text.substr(0, 32)));
}

/// What `parse` makes of the list in that file.
template <class Parse>
auto read_cpu_list(KernelGate& gate, const std::string& path, const Reason& reason, Parse parse) {
    const Bytes content = read_file(gate, path, reason);
    try {
        return parse(text_of(content));
    } catch (const Error& error) {
        throw error.within(path);
    }
}

int last_cpu(std::string_view text) {
    int cpu = 0;
    for_each_range(text, [&](int, int last) { cpu = last; });
    return cpu;
}

}  // namespace

std::vector<int> parse_cpu_list(std::string_view text) {
    std::vector<int> cpus;
    for_each_range(text, [&](int first, int last) {
        for (int cpu = first; cpu <= last; ++cpu) cpus.push_back(cpu);
        if (cpus.size() > most_cpus) throw_malformed("CPU list: too many CPUs");
    });
    return cpus;
}

std::vector<int> online_cpus(KernelGate& gate) {
    return read_cpu_list(gate, "/sys/devices/system/cpu/online",
                         "a perf event is for one CPU, so it takes one for each that is running", parse_cpu_list);
}

int possible_cpu_count(KernelGate& gate) {
    return 1 + read_cpu_list(gate, "/sys/devices/system/cpu/possible",
                             "a map with one slot per CPU needs to know how many there can be", last_cpu);
}

}  // namespace minibpf
