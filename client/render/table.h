// Aligned columns for people, CSV for programs. Pure.

#ifndef ANNEAL_CLIENT_RENDER_TABLE_H_
#define ANNEAL_CLIENT_RENDER_TABLE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace anneal::client::render {

class Table {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string key;     // in CSV
    std::string header;  // on a terminal
    Align align = Align::kRight;
    // Where a terminal is too narrow, those with the highest rank are left out first; 0: never.
    int rank = 0;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // As many cells as there are columns.
  void AddRow(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

  const std::vector<Column>& columns() const { return columns_; }
  const std::vector<std::vector<std::string>>& rows() const { return rows_; }
  // Of the columns.
  std::vector<std::string> keys() const;

  // Header and rows, two spaces between columns.
  std::string ToText() const;
  // The same in at most `width` characters a line, if that is possible: text is cut, but for that
  // of the first column, and if that is not enough columns are left out. `left_out` gets their
  // keys.
  std::string ToText(size_t width, std::vector<std::string>* left_out) const;
  // RFC 4180, with \n line ends: keys, then rows.
  std::string ToCsv() const;
  // An HTML table element; columns that are aligned right have the class "number".
  std::string ToHtml() const;

 private:
  // What each column needs.
  std::vector<size_t> Widths() const;
  std::string ToText(const std::vector<size_t>& shown, const std::vector<size_t>& widths) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// A line of RFC 4180, with its end.
std::string CsvLine(const std::vector<std::string>& cells);

// Text between tags or in an attribute.
std::string EscapeHtml(absl::string_view text);

// Columns that a terminal needs for UTF-8 text without wide or combining characters.
size_t DisplayWidth(absl::string_view text);

// `text` in that many columns: cut, with `…` at the end, if it needs more.
std::string Cut(absl::string_view text, size_t width);

// `text` with spaces to reach a width, on the side away from `align`.
std::string Pad(absl::string_view text, size_t width, Table::Align align);

}  // namespace anneal::client::render

#endif  // ANNEAL_CLIENT_RENDER_TABLE_H_
