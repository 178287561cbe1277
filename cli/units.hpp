// TIME arguments: 2s, 500ms, 1m, 1.5s; a plain number is seconds.
#pragma once

#include <optional>
#include <string_view>

namespace cli {

std::optional<int> parse_milliseconds(std::string_view text);

}  // namespace cli
