#include "tests/e2e/records.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace anneal {
namespace {

// Reads one cell from `text` at `*position`, and advances it past the cell.
std::string ReadCell(const std::string& text, size_t* position) {
  if (*position >= text.size() || text[*position] != '"') {
    const size_t end = std::min(text.find_first_of(",\n", *position), text.size());
    const std::string cell = text.substr(*position, end - *position);
    EXPECT_EQ(cell.find('"'), std::string::npos) << "a quote in a cell without quotes: " << cell;
    *position = end;
    return cell;
  }
  std::string cell;
  for (++*position; *position < text.size(); ++*position) {
    if (text[*position] == '"') {
      ++*position;
      if (*position >= text.size() || text[*position] != '"') return cell;
    }
    cell += text[*position];
  }
  ADD_FAILURE() << "a quoted cell without end: " << cell;
  return cell;
}

}  // namespace

Csv ParseCsv(const std::string& text) {
  Csv csv;
  std::vector<std::string> row;
  for (size_t position = 0; position < text.size();) {
    row.push_back(ReadCell(text, &position));
    if (position >= text.size()) {
      ADD_FAILURE() << "no line end after: " << row.back();
      break;
    }
    if (text[position++] == '\n') {
      if (csv.header.empty()) {
        csv.header = std::move(row);
      } else {
        EXPECT_EQ(row.size(), csv.header.size()) << "in row " << csv.rows.size();
        csv.rows.push_back(std::move(row));
      }
      row.clear();
    }
  }
  EXPECT_EQ(std::set<std::string>(csv.header.begin(), csv.header.end()).size(), csv.header.size())
      << "repeated columns in: " << text.substr(0, text.find('\n'));
  EXPECT_EQ(std::count(csv.header.begin(), csv.header.end(), ""), 0)
      << "a column without name in: " << text.substr(0, text.find('\n'));
  return csv;
}

std::string Csv::Cell(size_t row, const std::string& column) const {
  const auto found = std::find(header.begin(), header.end(), column);
  if (found == header.end() || row >= rows.size()) {
    ADD_FAILURE() << "no cell " << column << " in row " << row;
    return "";
  }
  return rows[row][static_cast<size_t>(found - header.begin())];
}

std::vector<std::string> Lines(const std::string& text) {
  if (text.empty()) return {};
  return absl::StrSplit(absl::StripSuffix(text, "\n"), '\n');
}

}  // namespace anneal
