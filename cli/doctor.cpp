// `loader doctor`: what this machine gives to programs, and what killed loaders left behind.
#include <memory>

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <libminibpf/attach/machine.hpp>
#include <libminibpf/attach/stale_probes.hpp>
#include <libminibpf/attach/tracefs.hpp>

#include "command.hpp"
#include "narration.hpp"
#include "output.hpp"

namespace cli {

using namespace minibpf;

namespace {

constexpr const char* doctor_examples = R"(Examples:
  loader doctor                 what this kernel, its mounts and your privileges give, and what to do about the rest
  sudo loader doctor --clean    remove the probes in tracefs that killed loaders left behind)";

struct DoctorOptions {
    bool clean = false;
    bool json = false;
    Trace trace;
};

std::string_view state_text(Finding::State state) {
    switch (state) {
        case Finding::State::present: return "yes";
        case Finding::State::missing: return "NO";
        case Finding::State::unknown: return "?";
        case Finding::State::setting: return "-";
    }
    return "";
}

std::string_view state_name(Finding::State state) {
    switch (state) {
        case Finding::State::present: return "present";
        case Finding::State::missing: return "missing";
        case Finding::State::unknown: return "unknown";
        case Finding::State::setting: return "setting";
    }
    return "";
}

void say_findings(const std::vector<Finding>& findings) {
    for (const Finding& finding : findings) {
        say(printable(fmt::format("{:<4} {:<17} {}", state_text(finding.state), finding.what, finding.value)));
        if (!finding.purpose.empty()) say(fmt::format("{:23}for {}", "", finding.purpose));
        if (!finding.remedy.empty()) say(printable(fmt::format("{:23}try: {}", "", finding.remedy)));
    }
}

void say_as_json(const std::vector<Finding>& findings) {
    auto list = nlohmann::ordered_json::array();
    for (const Finding& finding : findings) {
        list.push_back({{"what", finding.what},
                        {"state", state_name(finding.state)},
                        {"value", finding.value},
                        {"purpose", finding.purpose},
                        {"remedy", finding.remedy}});
    }
    say(list.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

// remove_stale_probes() leaves what it may not look at. Here that is what was asked for, so that it is said.
void clean(KernelGate& gate) {
    open_tracefs(gate, "uprobe_events", O_RDONLY);
    const std::vector<std::string> removed = remove_stale_probes(gate);
    for (const std::string& event : removed) say("removed " + printable(event));
    if (removed.empty()) note("loader: no killed loader has left probes behind");
}

void doctor(const DoctorOptions& options) {
    QueryGate gate(options.trace);
    if (options.clean) {
        clean(gate.get());
    } else {
        const std::vector<Finding> findings = examine_machine(gate.get());
        options.json ? say_as_json(findings) : say_findings(findings);
    }
    gate.finish();
}

}  // namespace

Action declare_doctor(CLI::App& app) {
    const auto options = std::make_shared<DoctorOptions>();
    CLI::Option* clean = app.add_flag("--clean", options->clean, "remove probes in tracefs whose loader is gone");
    app.add_flag("--json", options->json, "an array of objects")->excludes(clean);
    declare_trace(app, options->trace);
    app.footer(doctor_examples);
    return [options] { doctor(*options); };
}

}  // namespace cli
