#pragma once
// What a tracefs does with lines that are written to kprobe_events and uprobe_events, for a FakeGate.

#include <string>
#include <vector>

#include <tests/fake_gate.hpp>

namespace minibpf::test {

/// Keeps each line in `lines`, and gives the event that it makes the number 1500.
inline void keep_probe_lines(FakeGate& gate, std::vector<std::string>& lines) {
    gate.on<Write>([&](const Write& call) -> std::optional<Answer> {
        lines.emplace_back(reinterpret_cast<const char*>(call.data.data()), call.data.size());
        const std::string event = lines.back().substr(2, lines.back().find(' ') - 2);
        gate.files["/sys/kernel/tracing/events/" + event + "/id"] = "1500\n";
        return std::nullopt;
    });
}

}  // namespace minibpf::test
