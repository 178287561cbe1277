// CLI11 calls back the verb that it has met: its action is the one to be done.
#include "verbs.hpp"

namespace cli {

Action declare_verbs(CLI::App& app, std::span<const Command> verbs) {
    const auto chosen = std::make_shared<Action>();
    app.require_subcommand(1);
    for (const Command& verb : verbs) {
        CLI::App* added = app.add_subcommand(verb.name, verb.about);
        added->callback([chosen, action = verb.declare(*added)] { *chosen = action; });
    }
    return [chosen] { (*chosen)(); };
}

}  // namespace cli
