#include "client/render/table.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace anneal::client::render {
namespace {

constexpr absl::string_view kGap = "  ";
// Text columns are not truncated below this width, in characters.
constexpr size_t kLeastText = 12;

std::string CsvCell(const std::string& cell) {
  if (cell.find_first_of(",\"\r\n") == std::string::npos) return cell;
  return absl::StrCat("\"", absl::StrReplaceAll(cell, {{"\"", "\"\""}}), "\"");
}

}  // namespace

size_t DisplayWidth(absl::string_view text) {
  // Every byte except UTF-8 continuation bytes starts a character.
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

std::string Pad(absl::string_view text, size_t width, Table::Align align) {
  const size_t own = DisplayWidth(text);
  const std::string space(width > own ? width - own : 0, ' ');
  return align == Table::Align::kLeft ? absl::StrCat(text, space) : absl::StrCat(space, text);
}

std::string Cut(absl::string_view text, size_t width) {
  if (DisplayWidth(text) <= width) return std::string(text);
  size_t end = 0;
  for (size_t columns = 0; end < text.size(); ++end) {
    const bool begins = (static_cast<unsigned char>(text[end]) & 0xc0) != 0x80;
    if (begins && ++columns >= width) break;
  }
  return width == 0 ? "" : absl::StrCat(text.substr(0, end), "…");
}

std::vector<size_t> Table::Widths() const {
  std::vector<size_t> widths;
  for (size_t c = 0; c < columns_.size(); ++c) {
    size_t width = DisplayWidth(columns_[c].header);
    for (const auto& row : rows_) width = std::max(width, DisplayWidth(row[c]));
    widths.push_back(width);
  }
  return widths;
}

std::vector<size_t> Table::ColumnsFrom(size_t first) const {
  std::vector<size_t> columns(columns_.size() - std::min(first, columns_.size()));
  std::iota(columns.begin(), columns.end(), first);
  return columns;
}

std::vector<std::string> Table::Headers() const {
  std::vector<std::string> headers;
  for (const Column& column : columns_) headers.push_back(column.header);
  return headers;
}

std::string Table::Line(const Layout& layout, const std::vector<std::string>& cells) const {
  std::string line;
  for (const size_t c : layout.shown) {
    if (c != layout.shown.front()) absl::StrAppend(&line, kGap);
    line += Pad(Cut(cells[c], layout.widths[c]), layout.widths[c], columns_[c].align);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string Table::ToText(const Layout& layout) const {
  std::string text = Line(layout, Headers());
  for (const auto& row : rows_) text += Line(layout, row);
  return text;
}

std::string Table::ToStackedText(const Layout& layout) const {
  std::string text = absl::StrCat(columns_[0].header, "\n", kGap, Line(layout, Headers()));
  for (const auto& row : rows_) absl::StrAppend(&text, row[0], "\n", kGap, Line(layout, row));
  return text;
}

std::string Table::ToText() const {
  return ToText({.shown = ColumnsFrom(0), .widths = Widths(), .fits = true});
}

Table::Layout Table::Fit(std::vector<size_t> shown, const std::vector<size_t>& widths,
                         size_t width) const {
  Layout layout = {.shown = std::move(shown), .widths = widths};
  const auto least = [&](size_t c) {
    const bool is_text = columns_[c].align == Align::kLeft && c != 0;
    return is_text ? std::min(widths[c], std::max(kLeastText, DisplayWidth(columns_[c].header)))
                   : widths[c];
  };
  const auto total = [&](const auto& width_of) {
    size_t sum = layout.shown.empty() ? 0 : (layout.shown.size() - 1) * kGap.size();
    for (const size_t c : layout.shown) sum += width_of(c);
    return sum;
  };
  // Omits columns if truncation is not enough, the least important first.
  while (total(least) > width) {
    const auto last = std::max_element(
        layout.shown.begin(), layout.shown.end(),
        [this](size_t a, size_t b) { return columns_[a].rank < columns_[b].rank; });
    if (last == layout.shown.end() || columns_[*last].rank == 0) break;
    layout.left_out.push_back(columns_[*last].key);
    layout.shown.erase(last);
  }
  // Truncates the widest text column first.
  const auto own = [&](size_t c) { return layout.widths[c]; };
  while (total(own) > width) {
    const auto spare = [&](size_t c) { return layout.widths[c] > least(c) ? layout.widths[c] : 0; };
    const auto widest = std::max_element(layout.shown.begin(), layout.shown.end(),
                                         [&](size_t a, size_t b) { return spare(a) < spare(b); });
    if (widest == layout.shown.end() || spare(*widest) == 0) break;
    --layout.widths[*widest];
  }
  layout.fits = !layout.shown.empty() && total(own) <= width;
  return layout;
}

bool Table::OmitsImportant(const Layout& layout) const {
  return std::any_of(columns_.begin(), columns_.end(), [&layout](const Column& column) {
    return column.rank == 1 && std::find(layout.left_out.begin(), layout.left_out.end(),
                                         column.key) != layout.left_out.end();
  });
}

std::string Table::ToText(size_t width, std::vector<std::string>* left_out, Rows rows) const {
  const std::vector<size_t> widths = Widths();
  Layout layout = Fit(ColumnsFrom(0), widths, width);
  bool is_stacked = false;
  const bool may_stack = rows == Rows::kTwoLines && width > kGap.size();
  if (may_stack && (!layout.fits || OmitsImportant(layout))) {
    Layout below = Fit(ColumnsFrom(1), widths, width - kGap.size());
    const bool shows_more = below.left_out.size() < layout.left_out.size();
    is_stacked = below.fits && (!layout.fits || shows_more);
    if (is_stacked) layout = std::move(below);
  }
  left_out->insert(left_out->end(), layout.left_out.begin(), layout.left_out.end());
  return is_stacked ? ToStackedText(layout) : ToText(layout);
}

std::string CsvLine(const std::vector<std::string>& cells) {
  return absl::StrCat(absl::StrJoin(cells, ",",
                                    [](std::string* out, const std::string& cell) {
                                      absl::StrAppend(out, CsvCell(cell));
                                    }),
                      "\n");
}

std::vector<std::string> Table::keys() const {
  std::vector<std::string> keys;
  for (const Column& column : columns_) keys.push_back(column.key);
  return keys;
}

bool Table::HasColumn(absl::string_view key) const {
  return std::any_of(columns_.begin(), columns_.end(),
                     [key](const Column& column) { return column.key == key; });
}

void Table::InsertColumn(size_t place, Column column, std::vector<std::string> cells) {
  const auto at = static_cast<std::ptrdiff_t>(place);
  columns_.insert(columns_.begin() + at, std::move(column));
  for (size_t r = 0; r < rows_.size(); ++r) {
    rows_[r].insert(rows_[r].begin() + at, std::move(cells[r]));
  }
}

std::string Table::ToCsv() const {
  std::string text = CsvLine(keys());
  for (const auto& row : rows_) text += CsvLine(row);
  return text;
}

std::string Table::ToHtml() const {
  const auto row_of = [this](const char* element, const auto& cell_of) {
    std::string row = "<tr>";
    for (size_t c = 0; c < columns_.size(); ++c) {
      absl::StrAppend(&row, "<", element,
                      columns_[c].align == Align::kRight ? " class=\"number\">" : ">",
                      EscapeHtml(cell_of(c)), "</", element, ">");
    }
    return row + "</tr>\n";
  };
  std::string html = absl::StrCat("<table>\n<thead>",
                                  row_of("th", [this](size_t c) { return columns_[c].header; }),
                                  "</thead>\n<tbody>\n");
  for (const auto& row : rows_) html += row_of("td", [&row](size_t c) { return row[c]; });
  return html + "</tbody>\n</table>\n";
}

std::string EscapeHtml(absl::string_view text) {
  return absl::StrReplaceAll(
      text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"'", "&#39;"}});
}

}  // namespace anneal::client::render
