#pragma once
// The pages that somebody reads: what is tested of them is told in readme_test.cpp, excerpt_test.cpp and
// pages_test.cpp.

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <tests/paths.hpp>

namespace minibpf::test {

/// README.md, and all .md files of examples/, exercises/ and docs/, in order.
inline std::vector<std::filesystem::path> documentation_pages(const std::filesystem::path& root = source_dir()) {
    std::vector<std::filesystem::path> pages;
    for (const char* folder : {"examples", "exercises", "docs"}) {
        if (!std::filesystem::exists(root / folder)) continue;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder))
            if (entry.path().extension() == ".md") pages.push_back(entry.path());
    }
    std::sort(pages.begin(), pages.end());
    pages.insert(pages.begin(), root / "README.md");
    return pages;
}

/// How often `text` is in `content`: so that a mark that is misspelt does not go unseen.
inline std::size_t count_of(const std::string& content, const std::string& text) {
    std::size_t count = 0;
    for (std::size_t at = content.find(text); at != std::string::npos; at = content.find(text, at + text.size()))
        ++count;
    return count;
}

}  // namespace minibpf::test
