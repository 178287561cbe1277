// What every page of a chapter has: calls that the chapter's programs made, and something to try.
#include "pages.hpp"

#include <tests/catch.hpp>

#include "command.hpp"

using namespace minibpf::test;

TEST_CASE("each chapter's page shows calls as they are made, and what to try", "[cli][docs]") {
    std::size_t pages = 0;
    for (const std::filesystem::path& page : documentation_pages()) {
        if (page.parent_path().filename() != "chapters" || page.filename() == "README.md") continue;
        ++pages;
        INFO(page.filename());
        const std::string content = text_file(page);
        std::size_t calls = 0;
        bool in_transcript = false;
        std::string before;
        for (const std::string& line : lines_of(content)) {
            if (line == "```") {
                in_transcript = !in_transcript && before.starts_with("<!-- transcript");
            } else if (in_transcript) {
                calls += line.starts_with("bpf(BPF_") || line.starts_with("perf_event_open(");
            }
            before = line;
        }
        CHECK(calls > 0);
        CHECK(content.find("\n## Try\n") != std::string::npos);
        CHECK(content.find("\n1. ", content.find("\n## Try\n")) != std::string::npos);
    }
    CHECK(pages == 9);
}
