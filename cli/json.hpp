// JSON for --json: objects keep the order in which their members are put in.
#pragma once

#include <nlohmann/json.hpp>

#include "output.hpp"

namespace cli {

using Json = nlohmann::ordered_json;

/// Puts it on standard output. What processes and files are called need not be UTF-8: such bytes become U+FFFD.
inline void say_json(const Json& json) {
    say(json.dump(2, ' ', false, Json::error_handler_t::replace));
}

}  // namespace cli
