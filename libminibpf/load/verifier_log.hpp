// The verifier's log: how to get the whole of it, and what its last words ask for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <libminibpf/kernel/kernel_gate.hpp>
#include <libminibpf/object/object_spec.hpp>

namespace minibpf {

struct LoggedAnswer {
    Answer answer;
    std::string log;  ///< complete; empty when the kernel wrote none
};

/// Makes a call with a log buffer, and again with a larger one as long as the kernel says ENOSPC. By itself the log
/// level is 1, for a call that was refused without a log, with `refusal` (an errno).
LoggedAnswer enter_with_log(KernelGate& gate, ProgLoad call, int refusal = 0);
LoggedAnswer enter_with_log(KernelGate& gate, BtfLoad call);

/// A call of a helper that does not exist, at which the verifier gave up: "12: (85) call unknown#195896080".
struct UnknownCall {
    std::uint32_t insn_index = 0;
    std::int32_t number = 0;
};

/// The last one in the log.
std::optional<UnknownCall> last_unknown_call(std::string_view log);

/// The next thing to try for a program that the verifier rejected; empty when the log speaks for itself.
std::string verifier_hint(std::string_view log, const ObjectSpec& object);

}  // namespace minibpf
