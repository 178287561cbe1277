// Commands below a command: `loader map dump`, `loader link detach`.
#pragma once

#include <memory>
#include <span>

#include "command.hpp"
#include "narration.hpp"

namespace cli {

/// Declares each verb below `app`, one of which has to be given; the action is that one's.
Action declare_verbs(CLI::App& app, std::span<const Command> verbs);

/// The end of a verb's declaration: --trace, the examples, and what it does. A Request has a member `trace`.
template <class Request>
Action finish_verb(CLI::App& app, const std::shared_ptr<Request>& request, const char* examples,
                   void (*work)(minibpf::KernelGate&, const Request&)) {
    declare_trace(app, request->trace);
    app.footer(examples);
    return [request, work] {
        QueryGate gate(request->trace);
        work(gate.get(), *request);
        gate.finish();
    };
}

}  // namespace cli
