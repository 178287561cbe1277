// Network interfaces as hooks name them: "eth0", and what may follow the name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <libminibpf/kernel/kernel_gate.hpp>

namespace minibpf {

/// "eth0,generic,priority=10": the interface and what else is asked for.
struct InterfaceTarget {
    std::string name;
    std::vector<std::pair<std::string, std::string>> settings;  ///< {"generic", ""}, {"priority", "10"}
};

InterfaceTarget parse_interface_target(std::string_view text);

/// A setting's number, decimal or hexadecimal with 0x. Throws Error (Blame::usage).
std::uint32_t setting_number(const std::string& name, const std::string& text);

/// The number that the kernel knows the interface by, in this process's network namespace. `description` says what it
/// is for. Throws Error (Blame::object) with the nearest names when there is no such interface.
std::uint32_t interface_index(KernelGate& gate, const std::string& name, const std::string& description);

}  // namespace minibpf
