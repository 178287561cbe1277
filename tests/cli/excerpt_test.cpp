// The code in README.md, examples/, exercises/ and docs/ is the project's. Before a block stands a comment that says
// whose. A whole file; or its lines from the first that contains one text to the next that contains another, both
// included:
//
//     <!-- excerpt: progs/chapter2/hello.bpf.c -->
//     <!-- excerpt: progs/chapter3/hello.bpf.c:int counter..^} -->
//
// A text with ^ before it stands at the beginning of its line. There may be more texts in between, each in a line after
// the one before: BEGIN..MIDDLE..END.
//
// With MINIBPF_REWRITE=1 in the environment the test writes the blocks anew instead.
#include <optional>
#include <regex>

#include <tests/catch.hpp>
#include <tests/skip.hpp>

#include "command.hpp"
#include "pages.hpp"

using namespace minibpf::test;

namespace {

struct Excerpt {
    std::string mark;  ///< what stands between "excerpt: " and " -->"
    std::size_t line = 0;
    std::size_t begin = 0;  ///< of the block's text in the page
    std::string text;
};

constexpr const char* mark_begin = "<!-- excerpt";

std::size_t line_at(const std::string& content, std::size_t position) {
    return 1 + static_cast<std::size_t>(
                   std::count(content.begin(), content.begin() + static_cast<std::ptrdiff_t>(position), '\n'));
}

std::vector<Excerpt> excerpts_of(const std::string& page) {
    static const std::regex marker("<!-- excerpt: (.*) -->\n *```[^`\n]*\n");
    std::vector<Excerpt> found;
    for (std::sregex_iterator at(page.begin(), page.end(), marker), end; at != end; ++at) {
        const auto mark = static_cast<std::size_t>(at->position());
        const std::size_t begin = mark + static_cast<std::size_t>(at->length());
        const std::size_t close = page.find("```\n", begin);
        if (close == std::string::npos) continue;
        found.push_back(
            {.mark = (*at)[1], .line = line_at(page, mark), .begin = begin, .text = page.substr(begin, close - begin)});
    }
    return found;
}

bool is_at(const std::string& line, const std::string& text) {
    return text.starts_with("^") ? line.starts_with(text.substr(1)) : line.find(text) != std::string::npos;
}

std::vector<std::string> texts_of(const std::string& range) {
    std::vector<std::string> texts;
    for (std::size_t begin = 0;;) {
        const std::size_t dots = range.find("..", begin);
        texts.push_back(range.substr(begin, dots - begin));
        if (dots == std::string::npos) return texts;
        begin = dots + 2;
    }
}

// What a mark stands for; nothing, and `problem`, if the file or one of its lines is not there.
std::optional<std::string> source_of(const std::string& mark, const std::filesystem::path& root, std::string& problem) {
    const std::size_t colon = mark.find(':');
    const std::filesystem::path file = root / mark.substr(0, colon);
    if (!std::filesystem::is_regular_file(file)) {
        problem = "there is no such file";
        return std::nullopt;
    }
    const std::string content = text_file(file);
    if (colon == std::string::npos) return content;

    const std::vector<std::string> texts = texts_of(mark.substr(colon + 1));
    if (texts.size() < 2) {
        problem = "BEGIN..END is expected after the colon";
        return std::nullopt;
    }
    const std::vector<std::string> lines = lines_of(content);
    std::size_t begin = 0, end = 0;  // the line of the first text, and the one behind that of the last
    for (const std::string& text : texts) {
        const std::size_t after = end;
        while (end < lines.size() && !is_at(lines[end], text)) ++end;
        if (end == lines.size()) {
            problem = after == 0 ? "no line has '" + text + "'"
                                 : "no line after '" + lines[after - 1] + "' has '" + text + "'";
            return std::nullopt;
        }
        if (after == 0) begin = end;
        ++end;
    }
    std::string excerpt;
    for (std::size_t at = begin; at < end; ++at) excerpt += lines[at] + "\n";
    return excerpt;
}

// The first line in which the two are not the same, or nothing.
std::string first_difference(const std::string& documented, const std::string& source) {
    if (documented == source) return {};
    const std::vector<std::string> page = lines_of(documented), file = lines_of(source);
    std::size_t at = 0;
    while (at < page.size() && at < file.size() && page[at] == file[at]) ++at;
    const auto line_of = [&](const std::vector<std::string>& lines) {
        return at < lines.size() ? "'" + lines[at] + "'" : std::string("the end");
    };
    return "line " + std::to_string(at + 1) + " of the block is " + line_of(page) + ", the file has " + line_of(file);
}

// What is wrong with the excerpts of a page, a line each: with the page, the mark and the first line that differs.
std::vector<std::string> drift_of(const std::filesystem::path& page, const std::filesystem::path& root) {
    const std::string content = text_file(page);
    const std::string name = std::filesystem::relative(page, root);
    const std::vector<Excerpt> excerpts = excerpts_of(content);
    std::vector<std::string> drift;
    if (count_of(content, mark_begin) != excerpts.size())
        drift.push_back(name + ": a mark that begins with '" + mark_begin + "' has no block behind it, or is misspelt");
    for (const Excerpt& excerpt : excerpts) {
        std::string problem;
        const std::optional<std::string> source = source_of(excerpt.mark, root, problem);
        if (source) problem = first_difference(excerpt.text, *source);
        if (!problem.empty())
            drift.push_back(name + ":" + std::to_string(excerpt.line) + ": " + excerpt.mark + ": " + problem);
    }
    return drift;
}

void rewrite(const std::filesystem::path& page, const std::filesystem::path& root) {
    std::string content = text_file(page);
    const std::string before = content;
    std::vector<Excerpt> excerpts = excerpts_of(content);
    // From the last to the first, for each one moves those behind it.
    std::reverse(excerpts.begin(), excerpts.end());
    for (const Excerpt& excerpt : excerpts) {
        std::string problem;
        if (const std::optional<std::string> source = source_of(excerpt.mark, root, problem))
            content.replace(excerpt.begin, excerpt.text.size(), *source);
    }
    if (content != before) write_file(page, content);
}

// A small tree: one source file, and a page with `text`.
struct Tree {
    TemporaryDirectory root;
    std::filesystem::path page = root / "page.md";

    explicit Tree(const std::string& text) {
        write_file(root / "a.c", "int a;\n\nint f(void)\n{\n    if (a) { a = 1; }\n    return a;\n}\nint b;\n");
        write_file(page, text);
    }
    std::string drift() const {
        std::string all;
        for (const std::string& line : drift_of(page, root / "")) all += line + "\n";
        return all;
    }
};

const std::string function_in_a_page =
    "Words.\n\n<!-- excerpt: a.c:int f..^} -->\n```c\nint f(void)\n{\n    if (a) { a = 1; }\n    return "
    "a;\n}\n```\n\nMore.\n";

}  // namespace

TEST_CASE("the code excerpts in README.md, examples/, exercises/ and docs/ are the project's", "[cli][docs]") {
    std::size_t count = 0;
    for (const std::filesystem::path& page : documentation_pages()) {
        if (environment_says("MINIBPF_REWRITE")) rewrite(page, source_dir());
        count += excerpts_of(text_file(page)).size();
        for (const std::string& drift : drift_of(page, source_dir())) FAIL_CHECK(drift);
    }
    CHECK(count >= 1);
}

TEST_CASE("an excerpt is a whole file, or its lines from one text to another", "[cli][docs]") {
    CHECK(Tree(function_in_a_page).drift().empty());
    CHECK(Tree("<!-- excerpt: a.c:if..return -->\n```\n    if (a) { a = 1; }\n    return a;\n```\n").drift().empty());
    CHECK(Tree("<!-- excerpt: a.c:int f..^}..int b -->\n```c\nint f(void)\n{\n    if (a) { a = 1; }\n    return "
               "a;\n}\nint b;\n```\n")
              .drift()
              .empty());
    const Tree whole(
        "<!-- excerpt: a.c -->\n```c\nint a;\n\nint f(void)\n{\n    if (a) { a = 1; }\n    return a;\n}\nint "
        "b;\n```\n");
    CHECK(whole.drift().empty());
}

TEST_CASE("an excerpt that differs from its file is told of by page, mark and line", "[cli][docs]") {
    const auto changed = [](const std::string& from, const std::string& to) {
        std::string page = function_in_a_page;
        return Tree(page.replace(page.find(from), from.size(), to)).drift();
    };
    CHECK(changed("return a", "return b") ==
          "page.md:3: a.c:int f..^}: line 4 of the block is '    return b;', the file has '    return a;'\n");
    CHECK(changed("}\n```", "```") == "page.md:3: a.c:int f..^}: line 5 of the block is the end, the file has '}'\n");
    CHECK(changed("a.c:", "b.c:") == "page.md:3: b.c:int f..^}: there is no such file\n");
    CHECK(changed("int f..", "int g..") == "page.md:3: a.c:int g..^}: no line has 'int g'\n");
    CHECK(changed("..^}", "..^)") == "page.md:3: a.c:int f..^): no line after 'int f(void)' has '^)'\n");
    CHECK(changed("int f..^}", "int f") == "page.md:3: a.c:int f: BEGIN..END is expected after the colon\n");
    for (const auto& [from, to] : {std::pair("excerpt: ", "excerpt "), std::pair("```c\n", "\n```c\n")})
        CHECK(changed(from, to).find("has no block behind it, or is misspelt") != std::string::npos);
}

TEST_CASE("an excerpt is written anew when that is asked for", "[cli][docs]") {
    std::string page = function_in_a_page;
    const std::size_t at = page.find("return a");
    const Tree tree(page.replace(at, 8, "return 1; // and\n    return b") + function_in_a_page);
    CHECK_FALSE(tree.drift().empty());
    rewrite(tree.page, tree.root / "");
    CHECK(text_file(tree.page) == function_in_a_page + function_in_a_page);
}
