// `loader inspect`: what is in an object file.
#pragma once

#include "options.hpp"

namespace cli {

void inspect(const InspectOptions& options);

}  // namespace cli
