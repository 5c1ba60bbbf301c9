#include "client/render/table.h"

#include <algorithm>
#include <numeric>

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

std::string Table::ToText(const std::vector<size_t>& shown,
                          const std::vector<size_t>& widths) const {
  std::string text;
  const auto add_line = [&](const auto& cell_of) {
    std::string line;
    for (const size_t c : shown) {
      if (c != shown.front()) absl::StrAppend(&line, kGap);
      line += Pad(Cut(cell_of(c), widths[c]), widths[c], columns_[c].align);
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

std::string Table::ToText() const {
  std::vector<size_t> all(columns_.size());
  std::iota(all.begin(), all.end(), 0);
  return ToText(all, Widths());
}

std::string Table::ToText(size_t width, std::vector<std::string>* left_out) const {
  std::vector<size_t> shown(columns_.size());
  std::iota(shown.begin(), shown.end(), 0);
  std::vector<size_t> widths = Widths();
  const auto least = [&](size_t c) {
    const bool is_text = columns_[c].align == Align::kLeft && c != 0;
    return is_text ? std::min(widths[c], std::max(kLeastText, DisplayWidth(columns_[c].header)))
                   : widths[c];
  };
  const auto total = [&](const auto& width_of) {
    size_t sum = shown.empty() ? 0 : (shown.size() - 1) * kGap.size();
    for (const size_t c : shown) sum += width_of(c);
    return sum;
  };
  // Omits columns if truncation is not enough, the least important first.
  while (total(least) > width) {
    const auto last = std::max_element(shown.begin(), shown.end(), [this](size_t a, size_t b) {
      return columns_[a].rank < columns_[b].rank;
    });
    if (last == shown.end() || columns_[*last].rank == 0) break;
    left_out->push_back(columns_[*last].key);
    shown.erase(last);
  }
  // Truncates the widest text column first.
  const auto own = [&](size_t c) { return widths[c]; };
  while (total(own) > width) {
    const auto spare = [&](size_t c) { return widths[c] > least(c) ? widths[c] : 0; };
    const auto widest = std::max_element(shown.begin(), shown.end(),
                                         [&](size_t a, size_t b) { return spare(a) < spare(b); });
    if (widest == shown.end() || spare(*widest) == 0) break;
    --widths[*widest];
  }
  return ToText(shown, widths);
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

}  // namespace anneal::client::render
