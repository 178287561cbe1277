// Loading what open_object.hpp has opened.
#pragma once

#include <libminibpf/load/loader.hpp>
#include <libminibpf/object/printk_formats.hpp>

#include "run_options.hpp"

namespace cli {

/// Loads as the options say: --program, --target, --btf, --attach where it has to be known before the load, ...
minibpf::Object load_object(minibpf::KernelGate& gate, minibpf::ObjectSpec spec, const RunOptions& options);

/// What the programs that are loaded can print.
minibpf::PrintkFormats formats_printed_by(const minibpf::Object& object);

}  // namespace cli
