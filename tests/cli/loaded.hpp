#pragma once
// What the tests of list, map, link, prog and test share: an object that this process has loaded, for the command to
// look at.

#include <sstream>

#include <libminibpf/kernel/live_gate.hpp>
#include <libminibpf/load/loaded.hpp>
#include <libminibpf/load/loader.hpp>
#include <tests/catch.hpp>
#include <tests/read_object.hpp>
#include <tests/skip.hpp>

#include "command.hpp"

namespace minibpf::test {

/// Programs of tests/data/loaded.bpf.c with their maps, loaded by this process.
class LoadedObject {
public:
    explicit LoadedObject(std::vector<std::string> programs) : object_(load_programs(gate_, std::move(programs))) {}

    LiveGate& gate() noexcept { return gate_; }
    Map& map(std::string_view name) { return object_.require_map(name); }
    std::string map_id(std::string_view name) { return std::to_string(map_facts(gate_, map(name).fd()).id); }
    int prog_fd(std::string_view name) { return object_.require_program(name).fd(); }
    /// Attached at sys_enter by BPF_RAW_TRACEPOINT_OPEN.
    Fd raw_tracepoint_link(std::string_view name) {
        const Answer opened = gate_.enter(RawTracepointOpen{.name = "sys_enter", .prog_fd = prog_fd(name)});
        REQUIRE(opened.ok());
        return Fd(gate_, opened.fd());
    }
    std::string prog_id(std::string_view name) { return std::to_string(program_facts(gate_, prog_fd(name)).id); }

private:
    static Object load_programs(KernelGate& gate, std::vector<std::string> programs) {
        require_prerequisite(geteuid() == 0, "root");
        LoadOptions options;
        options.programs = std::move(programs);
        return load(gate, object_spec("tests/data/loaded.bpf.o"), options);
    }

    LiveGate gate_;
    Object object_;
};

/// A directory of this process's own in the bpffs, gone with what is pinned in it.
struct Pins {
    std::string path = "/sys/fs/bpf/minibpf_cli_" + std::to_string(getpid());
    std::string operator/(const std::string& name) const { return path + "/" + name; }
    ~Pins() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
};

/// The words of the table's row whose first one is `id`; none when there is no such row.
inline std::vector<std::string> row_of(const std::string& table, const std::string& id) {
    for (const std::string& line : lines_of(table)) {
        std::istringstream words(line);
        std::vector<std::string> row(std::istream_iterator<std::string>(words), {});
        if (!row.empty() && row.front() == id) return row;
    }
    return {};
}

/// Runs `loader ARGUMENTS`.
inline Said loader_says(const std::string& arguments) {
    return run(loader() + " " + arguments);
}

}  // namespace minibpf::test
