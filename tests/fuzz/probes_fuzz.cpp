// Bytes as the lists of tracefs and /proc, as a tracepoint's format, and as a pattern: lists are sorted and hold each
// name once, and nothing is read outside the bytes.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <libminibpf/attach/probe_pattern.hpp>
#include <libminibpf/attach/probes.hpp>

using namespace minibpf;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

void check_functions(const std::vector<KernelFunction>& functions) {
    const auto not_ascending = [](const KernelFunction& a, const KernelFunction& b) { return a.name >= b.name; };
    require(std::adjacent_find(functions.begin(), functions.end(), not_ascending) == functions.end());
    for (const KernelFunction& function : functions) require(!function.name.empty() && function.count > 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::vector<std::string> tracepoints = parse_available_events(text);
    require(std::adjacent_find(tracepoints.begin(), tracepoints.end(), std::greater_equal<>()) == tracepoints.end());
    for (const std::string& tracepoint : tracepoints) require(tracepoint.find('/') != std::string::npos);
    raw_tracepoints(tracepoints);
    check_functions(parse_filter_functions(text));
    check_functions(parse_kernel_symbols(text));
    tracepoint_struct("fuzz", parse_tracepoint_format(text));
    // The longer patterns are the user's own affair: fnmatch(3) takes its time for one with many stars.
    parse_probe_pattern(text.substr(0, 16)).matches("group", "name");
    return 0;
}
