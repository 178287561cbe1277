// How many CPUs the kernel knows: what per-CPU maps and perf buffers are sized by.
#pragma once

#include <vector>

#include <libminibpf/kernel/kernel_gate.hpp>

namespace minibpf {

/// The CPUs listed in /sys/devices/system/cpu/online ("0-3,6"): a perf event can only be opened on one of these.
std::vector<int> online_cpus(KernelGate& gate);

/// How many CPUs there can ever be, from /sys/devices/system/cpu/possible: per-CPU map values come in that number.
int possible_cpu_count(KernelGate& gate);

/// "0-3,6" -> 0 1 2 3 6. Throws Error for anything else, and for more than 65,536 CPUs.
std::vector<int> parse_cpu_list(std::string_view text);

}  // namespace minibpf
