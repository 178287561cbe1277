// Aligning columns. The last one may be as long as it likes.
#include "table.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "output.hpp"

namespace cli {

void Table::add(std::vector<std::string> cells) {
    for (std::string& cell : cells) {
        if (cell.empty()) cell = "-";
    }
    rows_.push_back(std::move(cells));
}

void Table::show() const {
    std::vector<std::string> titles;
    std::vector<std::size_t> widths;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        titles.emplace_back(columns_[i].title);
        std::size_t width = titles.back().size();
        for (const std::vector<std::string>& row : rows_) width = std::max(width, row[i].size());
        widths.push_back(width);
    }
    say(line(titles, widths));
    for (const std::vector<std::string>& row : rows_) say(line(row, widths));
}

std::string Table::line(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) const {
    std::string text;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        if (i != 0) text += "  ";
        text += columns_[i].align == Align::right ? fmt::format("{:>{}}", cells[i], widths[i])
                                                  : fmt::format("{:<{}}", cells[i], widths[i]);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
}

}  // namespace cli
