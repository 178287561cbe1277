// TIME arguments: 2s, 500ms, 1m, 1.5s; a plain number is seconds.
// NUMBER and SIZE arguments: 4096, 0x1000, 64K, 1M.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace cli {

std::optional<int> parse_milliseconds(std::string_view text);
std::optional<std::uint64_t> parse_number(std::string_view text);

}  // namespace cli
