// A table of text: a header, and columns as wide as what is in them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cli {

enum class Align { left, right };

struct Column {
    std::string_view title;
    Align align = Align::left;
};

class Table {
public:
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    /// One cell for each column; an empty one becomes `-`, so that awk finds the others where they belong.
    void add(std::vector<std::string> cells);

    /// Puts it on standard output.
    void show() const;

private:
    std::string line(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) const;

    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace cli
