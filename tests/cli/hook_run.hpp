#pragma once
// A hook tried from the command line: `loader OBJECT --attach … -c COMMAND` attaches, its command waits while the test
// does what the hook is for, and when the loader has ended the same event finds nobody.

#include <chrono>
#include <functional>
#include <future>
#include <optional>
#include <regex>
#include <string>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include <libminibpf/load/loaded.hpp>
#include <tests/catch.hpp>
#include <tests/kernel/attach_sweep.hpp>
#include <tests/kernel/live.hpp>
#include <tests/read_object.hpp>
#include <tests/skip.hpp>

#include "command.hpp"
#include "loaded.hpp"

namespace minibpf::test {

inline std::string object_path(const std::string& name) {
    return (build_dir() / ("tests/data/" + name + ".bpf.o")).string();
}

/// What `loader list KIND --json` says.
inline nlohmann::json listed(const std::string& kind) {
    const Said said = loader_says("list " + kind + " --json");
    INFO(said.err);
    REQUIRE(said.status == 0);
    return nlohmann::json::parse(said.out);
}

/// Those of a list whose `member` is this.
inline nlohmann::json those_with(const nlohmann::json& list, const std::string& member, std::uint32_t value) {
    nlohmann::json found = nlohmann::json::array();
    for (const auto& one : list) {
        if (one[member] == value) found.push_back(one);
    }
    return found;
}

/// `loader ARGUMENTS -c COMMAND`, whose command waits from the attachment on until finish().
class WaitingLoader {
public:
    explicit WaitingLoader(const std::string& arguments) {
        for (const char* name : {"attached", "go"}) REQUIRE(mkfifo((directory_ / name).c_str(), 0600) == 0);
        attached_ = open((directory_ / "attached").c_str(), O_RDWR | O_CLOEXEC);
        go_ = open((directory_ / "go").c_str(), O_RDWR | O_CLOEXEC);
        REQUIRE((attached_ >= 0 && go_ >= 0));
        const std::string command =
            "echo > " + (directory_ / "attached").string() + "; read line < " + (directory_ / "go").string();
        // The thread is born in this one's network namespace.
        said_ =
            std::async(std::launch::async, [=] { return run(loader() + " " + arguments + " -c '" + command + "'"); });
    }
    ~WaitingLoader() {
        if (said_.valid()) finish();
        close(attached_);
        close(go_);
    }
    WaitingLoader(const WaitingLoader&) = delete;
    WaitingLoader& operator=(const WaitingLoader&) = delete;

    /// False when the loader ended instead.
    bool attaches() {
        pollfd attached{.fd = attached_, .events = POLLIN, .revents = 0};
        while (poll(&attached, 1, 10) == 0) {
            if (said_.wait_for(std::chrono::seconds(0)) == std::future_status::ready) return false;
        }
        return true;
    }

    /// Lets its command end, and gives what the loader has said.
    Said finish() {
        CHECK(write(go_, "\n", 1) == 1);
        return said_.get();
    }

private:
    TemporaryDirectory directory_;
    int attached_ = -1, go_ = -1;
    std::future<Said> said_;
};

/// A map of another process's object, by the pin that outlives the process.
class PinnedMap {
public:
    PinnedMap(const std::string& object, const std::string& path)
        : spec_(object_spec("tests/data/" + object + ".bpf.o")), map_(gate_, open_pin(gate_, IdKind::map, path)) {}

    std::uint32_t id() const { return map_.facts().id; }
    Map& map() { return map_.map(); }

    /// A variable of the object's, if the map is its .bss.
    std::uint64_t variable(const std::string& name) {
        const VariableSpec* variable = spec_.find_variable(name);
        REQUIRE(variable != nullptr);
        const std::uint32_t zero = 0;
        return read_at<std::uint64_t>(map_.map().lookup(bytes_of(zero)).value(), variable->offset).value();
    }

private:
    LiveGate gate_;
    ObjectSpec spec_;
    LoadedMap map_;
};

/// A program, where it is put, and how.
struct TriedHook {
    std::string object;   ///< tests/data/OBJECT.bpf.o
    std::string program;  ///< of which only this one is loaded
    std::string hook;     ///< for --attach; empty: where its section says
    std::string options;  ///< --link, --older, …
    std::function<void()> provoke;
    std::string counter = "hits";
    /// What is to be so while it is attached, and not before and after: a line in a file, a program on a device.
    std::function<bool()> leaves_traces = {};
    bool for_this_process = false;  ///< the programs count what one process does, and it is to be this one

    std::string arguments(const std::string& pins) const {
        std::string text = "-q --program " + program + " --show .bss --map .bss.pin=bss --pin-directory " + pins;
        if (!hook.empty()) text += " --attach '" + program + "=" + hook + "'";
        if (for_this_process) text += " --set process=" + std::to_string(getpid());
        return text + " " + options + " " + object_path(object);
    }
};

/// The last value that --show printed of a variable.
inline std::uint64_t shown_value(const std::string& out, const std::string& variable) {
    std::uint64_t value = 0;
    const std::regex pattern("\\b" + variable + "=(\\d+)");
    for (std::sregex_iterator found(out.begin(), out.end(), pattern), end; found != end; ++found)
        value = std::stoull((*found)[1]);
    return value;
}

/// The program has left the kernel, and with it the lists of programs and links. An emulated processor takes a second
/// for a list, so that they are asked once in a test.
inline void check_nothing_is_listed_of(std::uint32_t prog_id) {
    CHECK(is_gone(prog_id));
    static bool has_asked = false;
    if (std::exchange(has_asked, true)) return;
    CHECK(those_with(listed("progs"), "id", prog_id).empty());
    CHECK(those_with(listed("links"), "prog_id", prog_id).empty());
}

/// The program's counter moves for the event, and `loader list` shows the program, and a link of it where there is to
/// be one. When the loader is gone the event moves nothing, and nothing is listed.
inline void check_hook(const TriedHook& tried, std::optional<bool> has_link = {}) {
    INFO(tried.object << ": " << tried.program << " at '" << tried.hook << "' " << tried.options);
    const Pins pins;
    if (tried.leaves_traces) CHECK_FALSE(tried.leaves_traces());
    WaitingLoader waiting(tried.arguments(pins.path));
    if (!waiting.attaches()) {
        const Said said = waiting.finish();
        FAIL("not attached, exit status " << said.status << ": " << said.err);
    }
    PinnedMap bss(tried.object, pins / "bss");
    const std::uint64_t before = bss.variable(tried.counter);
    tried.provoke();
    CHECK(bss.variable(tried.counter) > before);

    std::uint32_t prog_id = 0;
    for (const auto& program : listed("progs")) {
        for (const auto& map : program["map_ids"]) {
            if (map != bss.id()) continue;
            CHECK(program["name"] == tried.program.substr(0, 15));
            prog_id = program["id"];
        }
    }
    CHECK(prog_id != 0);
    if (has_link) CHECK(those_with(listed("links"), "prog_id", prog_id).empty() != *has_link);
    if (tried.leaves_traces) CHECK(tried.leaves_traces());

    const Said said = waiting.finish();
    INFO(said.out << said.err);
    CHECK(said.status == 0);
    CHECK(shown_value(said.out, tried.counter) > before);
    const std::uint64_t at_end = bss.variable(tried.counter);
    CHECK(shown_value(said.out, tried.counter) <= at_end);
    tried.provoke();
    CHECK(bss.variable(tried.counter) == at_end);
    check_nothing_is_listed_of(prog_id);
    if (tried.leaves_traces) CHECK_FALSE(tried.leaves_traces());
}

/// A hook with two ways.
inline void check_each_way(TriedHook tried) {
    const std::string options = tried.options;
    for (const char* way : {"", "--link", "--older"}) {
        tried.options = options + " " + way;
        const std::string_view name = way;
        check_hook(tried, name.empty() ? std::optional<bool>() : name == "--link");
    }
}

}  // namespace minibpf::test
