// `Table` formats rows as aligned text, CSV or HTML. Pure.

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
    std::string key;     // heading in CSV
    std::string header;  // heading on a terminal
    Align align = Align::kRight;
    // If the terminal is too narrow, columns with the highest rank are omitted first; 0: never.
    int rank = 0;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // `cells` has one entry per column.
  void AddRow(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

  const std::vector<Column>& columns() const { return columns_; }
  const std::vector<std::vector<std::string>>& rows() const { return rows_; }
  // Returns the keys of the columns.
  std::vector<std::string> keys() const;

  // Returns header and rows, with two spaces between columns.
  std::string ToText() const;
  // Returns the same in at most `width` characters per line, if possible: text columns except the
  // first are truncated; if that is not enough, columns are omitted. `left_out` receives their
  // keys.
  std::string ToText(size_t width, std::vector<std::string>* left_out) const;
  // Returns the keys and rows as RFC 4180 CSV, with \n line ends.
  std::string ToCsv() const;
  // Returns an HTML table element; right-aligned columns have the class "number".
  std::string ToHtml() const;

 private:
  // Returns the width that each column needs.
  std::vector<size_t> Widths() const;
  std::string ToText(const std::vector<size_t>& shown, const std::vector<size_t>& widths) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// Returns a line of RFC 4180 CSV, with its line end.
std::string CsvLine(const std::vector<std::string>& cells);

// Escapes text for use between tags or in an attribute.
std::string EscapeHtml(absl::string_view text);

// Returns the number of terminal columns of UTF-8 text without wide or combining characters.
size_t DisplayWidth(absl::string_view text);

// Truncates `text` to `width` columns, ending in `…`.
std::string Cut(absl::string_view text, size_t width);

// Pads `text` with spaces to `width`, on the side opposite to `align`.
std::string Pad(absl::string_view text, size_t width, Table::Align align);

}  // namespace anneal::client::render

#endif  // ANNEAL_CLIENT_RENDER_TABLE_H_
