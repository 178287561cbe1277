#pragma once
// What BPF_PROG_LOAD has said in this process.

#include <string>

namespace minibpf::test {

/// "told xdp_pass = type 6, expected_attach_type 37, flags 0, attach_btf_id 0", a line for each program with a name.
std::string told_lines();

}  // namespace minibpf::test
