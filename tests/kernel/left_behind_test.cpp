// What the tests made in the kernel is gone when they are over: probes, pins, cgroups, programs. Hidden, as it has to
// come after all others: `kernel_tests "[.left-behind]"`.
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <libminibpf/load/loaded.hpp>
#include <tests/kernel/live.hpp>

using namespace minibpf;
using namespace minibpf::test;

namespace {

// "p:minibpf/do_unlinkat_4711_1 do_unlinkat": of a loader that has ended, if there is no process 4711.
bool is_orphan(const std::string& probe) {
    const std::string name = probe.substr(0, probe.find(' '));
    const std::size_t last = name.rfind('_');
    const std::size_t before = last == 0 ? name.npos : name.rfind('_', last - 1);
    if (before == name.npos) return true;
    return !std::filesystem::exists("/proc/" + name.substr(before + 1, last - before - 1));
}

std::vector<std::string> orphaned_probes() {
    std::vector<std::string> found;
    for (const char* file : {"/sys/kernel/tracing/kprobe_events", "/sys/kernel/tracing/uprobe_events"}) {
        for (const std::string& line : lines_with(file, "minibpf/")) {
            if (is_orphan(line)) found.push_back(line);
        }
    }
    return found;
}

// Directories and pins of the tests' have this in their names.
std::vector<std::string> files_of_tests(const std::string& directory) {
    std::vector<std::string> found;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
        const std::string name = entry.path().filename();
        if (name.find("minibpf_test") != name.npos || name.find("minibpf-test") != name.npos)
            found.push_back(entry.path());
    }
    return found;
}

// Programs that were loaded since MINIBPF_TESTS_BEGAN, in seconds after the boot, and that no process holds: something
// that they are attached to does. Without it, since the boot.
std::vector<std::string> forgotten_programs(KernelGate& gate) {
    const char* const began = std::getenv("MINIBPF_TESTS_BEGAN");
    const double began_ns = (began != nullptr ? std::atof(began) : 0) * 1e9;
    const std::map<LoadedId, std::vector<Holder>> held = holders(gate);
    std::vector<std::string> found;
    for (const std::uint32_t id : loaded_ids(gate, IdKind::prog)) {
        const Answer answer = gate.enter(GetFdById{.kind = IdKind::prog, .id = id});
        if (!answer.ok()) continue;  // gone in the meantime
        const Fd fd(gate, answer.fd());
        const ProgramFacts facts = program_facts(gate, fd.get());
        if (static_cast<double>(facts.loaded_ns) >= began_ns && !held.contains({IdKind::prog, id}))
            found.push_back(fmt::format("{} {}", id, facts.name));
    }
    return found;
}

}  // namespace

TEST_CASE("the tests have left nothing in the kernel", "[.left-behind]") {
    require_bpf();
    LiveGate gate;
    CHECK(fmt::format("{}", fmt::join(orphaned_probes(), "; ")) == "");
    for (const char* directory :
         {"/sys/fs/bpf", "/sys/fs/bpf/tc/globals", "/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
        CHECK(fmt::format("{}", fmt::join(files_of_tests(directory), "; ")) == "");
    }
    std::vector<std::string> programs = forgotten_programs(gate);
    // The kernel lets go of some a little later.
    for (int tries = 0; tries < 300 && !programs.empty(); ++tries) {
        usleep(100'000);
        programs = forgotten_programs(gate);
    }
    CHECK(fmt::format("{}", fmt::join(programs, "; ")) == "");
}
