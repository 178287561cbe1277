// NAME[,KEY=VALUE]...: a file's name may hold a comma as little as an equals sign, which no kernel name has.
#include <libminibpf/attach/hook_parameters.hpp>

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <libminibpf/base/error.hpp>
#include <libminibpf/base/lines.hpp>

namespace minibpf {

const std::string* HookParameters::find(std::string_view key) const {
    const auto found = values.find(key);
    return found == values.end() ? nullptr : &found->second;
}

std::uint64_t HookParameters::number(std::string_view key, std::uint64_t otherwise) const {
    const std::string* text = find(key);
    return text == nullptr ? otherwise : parse_parameter(key, *text);
}

HookParameters split_parameters(const std::string& target, std::initializer_list<std::string_view> known) {
    HookParameters parameters;
    std::string_view rest = target;
    parameters.name = take_until(rest, ',');
    while (!rest.empty()) {
        const std::string_view piece = take_until(rest, ',');
        const std::size_t equals = piece.find('=');
        const std::string_view key = piece.substr(0, equals);
        if (equals == std::string_view::npos || std::ranges::find(known, key) == known.end()) {
            throw_usage(fmt::format("hook '{}': '{}' is no parameter of it", target, piece),
                        fmt::format("they are written {}=…", fmt::join(known, "=…, ")));
        }
        parameters.values[std::string(key)] = piece.substr(equals + 1);
    }
    return parameters;
}

std::uint64_t parse_parameter(std::string_view what, std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem == std::errc() && end == text.data() + text.size()) return value;
    throw_usage(fmt::format("'{}' is no number, which {} has to be", text, what), {});
}

}  // namespace minibpf
