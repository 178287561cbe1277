// What run and step do once they have composed their gates.
#pragma once

#include <libminibpf/narrate/narrating_gate.hpp>

#include "run_options.hpp"

namespace cli {

/// How a command with these options narrates to the descriptor `to`.
minibpf::NarrationOptions narration_options(const RunOptions& options, int to);

/// Load, attach, show, wait, detach.
void run_session(minibpf::KernelGate& gate, const RunOptions& options);

}  // namespace cli
