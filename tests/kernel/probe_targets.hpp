#pragma once
// Functions and USDT probes of the test program itself, for uprobes to be put on.

#include <cstdint>

extern "C" {
int minibpf_probed(int argument);  ///< 2 * argument + 1
int minibpf_probed_first(int argument);
int minibpf_probed_second(int argument);
int minibpf_probed_third(int argument);  ///< argument + 1, 2, 3

extern volatile std::uint16_t minibpf_usdt_semaphore;
}

namespace minibpf::test {

/// USDT probe minibpf:looked_at with an int, an unsigned char, a long in memory and a constant; in two places.
void look_at(int number, unsigned char byte, long in_memory);
void look_at_elsewhere(int number);

}  // namespace minibpf::test
