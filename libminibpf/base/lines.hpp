// Taking a text apart from its beginning: the files of /proc, sysfs and tracefs are lines of words.
#pragma once

#include <algorithm>
#include <string_view>

namespace minibpf {

/// Cuts `text` behind its first `separator`, and gives what was before it; all of it when there is none.
inline std::string_view take_until(std::string_view& text, char separator) noexcept {
    const std::string_view taken = text.substr(0, text.find(separator));
    text.remove_prefix(std::min(taken.size() + 1, text.size()));
    return taken;
}

/// The first line, without its end.
inline std::string_view take_line(std::string_view& text) noexcept {
    return take_until(text, '\n');
}

}  // namespace minibpf
