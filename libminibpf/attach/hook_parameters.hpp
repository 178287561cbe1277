// What follows a hook's name: "cpu-clock@99,pid=123" is the name cpu-clock@99 and one parameter.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

namespace minibpf {

struct HookParameters {
    std::string name;
    std::map<std::string, std::string, std::less<>> values;

    const std::string* find(std::string_view key) const;
    /// Throws Error (Blame::usage) when the value is no number.
    std::uint64_t number(std::string_view key, std::uint64_t otherwise) const;
};

/// Throws Error (Blame::usage): a parameter that is not KEY=VALUE, or whose key is none of `known`.
HookParameters split_parameters(const std::string& target, std::initializer_list<std::string_view> known);

/// The whole text as a number; throws Error (Blame::usage) naming `what`.
std::uint64_t parse_parameter(std::string_view what, std::string_view text);

}  // namespace minibpf
