// Numbers with units, as people write them on a command line.
#include "units.hpp"

#include <charconv>
#include <cmath>
#include <utility>

namespace cli {

std::optional<int> parse_milliseconds(std::string_view text) {
    double number = 0;
    const auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem != std::errc()) return std::nullopt;
    const std::string_view unit(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
    double factor = 0;
    if (unit == "ms") factor = 1;
    if (unit == "s" || unit.empty()) factor = 1000;
    if (unit == "m" || unit == "min") factor = 60'000;
    if (unit == "h") factor = 3'600'000;
    const double milliseconds = number * factor;
    if (!(milliseconds >= 1) || milliseconds > 2e9) return std::nullopt;
    return static_cast<int>(std::lround(milliseconds));
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
    const bool is_hex = text.starts_with("0x") || text.starts_with("0X");
    if (is_hex) text.remove_prefix(2);
    std::uint64_t number = 0;
    const auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), number, is_hex ? 16 : 10);
    if (problem != std::errc()) return std::nullopt;
    const std::string_view unit(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
    constexpr std::pair<std::string_view, int> units[] = {{"", 0}, {"K", 10}, {"M", 20}, {"G", 30}};
    for (const auto& [name, shift] : units) {
        if (unit == name && number << shift >> shift == number) return number << shift;
    }
    return std::nullopt;
}

}  // namespace cli
