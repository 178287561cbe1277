// "Did you mean ...?": the candidate closest to a misspelt name.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace minibpf {

/// The candidate with the smallest edit distance to `name`, or an empty string when none is near
/// (further than a third of the name's length, and at least 2 edits are always allowed).
std::string nearest(std::string_view name, std::span<const std::string_view> candidates);

}  // namespace minibpf
