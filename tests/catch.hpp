#pragma once
// Catch2 under one name: version 2 (Debian 12) has a single header, version 3 (newer systems) one header per feature.

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include <string>

namespace minibpf::test {

/// Matches a string that holds `text`. Catch2 3 renamed its matcher of this name.
inline auto contains(const std::string& text) {
#if __has_include(<catch2/catch_all.hpp>)
    return Catch::Matchers::ContainsSubstring(text);
#else
    return Catch::Matchers::Contains(text);
#endif
}

}  // namespace minibpf::test
