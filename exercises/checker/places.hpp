// Where the checker finds what was built and what was written: where the tests do, for it runs in the virtual machines
// of tests/vm as well.
#pragma once

#include <tests/paths.hpp>

namespace checker {

using minibpf::test::build_dir;
using minibpf::test::source_dir;

}  // namespace checker
