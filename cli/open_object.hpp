// OBJECT, whatever form it has, to an ObjectSpec.
#pragma once

#include <string>
#include <vector>

#include <libminibpf/kernel/kernel_gate.hpp>
#include <libminibpf/object/object_spec.hpp>

#include "run_options.hpp"

namespace cli {

/// The bytes of OBJECT: a file, standard input for "-", or what clang makes of a .c file.
minibpf::Bytes read_object(minibpf::KernelGate& gate, const std::string& object,
                           const std::vector<std::string>& cflags);

/// The spec, with --type and --set applied.
minibpf::ObjectSpec prepare_object(minibpf::KernelGate& gate, const RunOptions& options);

}  // namespace cli
