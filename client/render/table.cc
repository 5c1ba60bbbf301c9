#include "client/render/table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace anneal::render {
namespace {

std::string CsvCell(const std::string& cell) {
  if (cell.find_first_of(",\"\r\n") == std::string::npos) return cell;
  return absl::StrCat("\"", absl::StrReplaceAll(cell, {{"\"", "\"\""}}), "\"");
}

}  // namespace

size_t DisplayWidth(absl::string_view text) {
  // Every byte but UTF-8's continuation bytes begins a character.
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

std::string Pad(absl::string_view text, size_t width, Table::Align align) {
  const size_t own = DisplayWidth(text);
  const std::string space(width > own ? width - own : 0, ' ');
  return align == Table::Align::kLeft ? absl::StrCat(text, space) : absl::StrCat(space, text);
}

std::string Table::ToText() const {
  std::vector<size_t> widths;
  for (size_t c = 0; c < columns_.size(); ++c) {
    size_t width = DisplayWidth(columns_[c].header);
    for (const auto& row : rows_) width = std::max(width, DisplayWidth(row[c]));
    widths.push_back(width);
  }
  std::string text;
  const auto add_line = [&](const auto& cell_of) {
    std::string line;
    for (size_t c = 0; c < columns_.size(); ++c) {
      if (c > 0) line += "  ";
      line += Pad(cell_of(c), widths[c], columns_[c].align);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    absl::StrAppend(&text, line, "\n");
  };
  add_line([this](size_t c) { return absl::string_view(columns_[c].header); });
  for (const auto& row : rows_) {
    add_line([&row](size_t c) { return absl::string_view(row[c]); });
  }
  return text;
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

}  // namespace anneal::render
