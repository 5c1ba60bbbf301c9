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

std::string Table::ToCsv() const {
  std::string text = absl::StrJoin(columns_, ",", [](std::string* out, const Column& column) {
    absl::StrAppend(out, CsvCell(column.key));
  });
  text += "\n";
  for (const auto& row : rows_) {
    absl::StrAppend(&text,
                    absl::StrJoin(row, ",",
                                  [](std::string* out, const std::string& cell) {
                                    absl::StrAppend(out, CsvCell(cell));
                                  }),
                    "\n");
  }
  return text;
}

}  // namespace anneal::render
