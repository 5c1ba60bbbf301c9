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
  // The lines of a row where a terminal is narrow: one, or a line of the first cell above one of
  // the others.
  enum class Rows { kOneLine, kTwoLines };
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
  // Inserts a column in front of that at `place`; one at the end if it is the number of columns.
  // `cells` has one entry per row.
  void InsertColumn(size_t place, Column column, std::vector<std::string> cells);

  const std::vector<Column>& columns() const { return columns_; }
  const std::vector<std::vector<std::string>>& rows() const { return rows_; }
  // Returns the keys of the columns.
  std::vector<std::string> keys() const;
  bool HasColumn(absl::string_view key) const;

  // Returns header and rows, with two spaces between columns.
  std::string ToText() const;
  // Returns the same in at most `width` characters per line, if possible: text columns except the
  // first are truncated; if that is not enough, columns are omitted, whose keys `left_out`
  // receives. Rows may have two lines if that shows more, where columns of rank 0 do not fit or one
  // of rank 1 would be omitted.
  std::string ToText(size_t width, std::vector<std::string>* left_out,
                     Rows rows = Rows::kTwoLines) const;
  // Returns the keys and rows as RFC 4180 CSV, with \n line ends.
  std::string ToCsv() const;
  // Returns an HTML table element; right-aligned columns have the class "number".
  std::string ToHtml() const;

 private:
  // Columns by their index, with the width of every column.
  struct Layout {
    std::vector<size_t> shown;
    std::vector<size_t> widths;
    std::vector<std::string> left_out;
    bool fits = false;
  };

  // Returns the columns from `first` on.
  std::vector<size_t> ColumnsFrom(size_t first) const;
  // Returns the width that each column needs.
  std::vector<size_t> Widths() const;
  // Truncates and omits columns until the lines fit, as far as possible.
  Layout Fit(std::vector<size_t> shown, const std::vector<size_t>& widths, size_t width) const;
  bool OmitsImportant(const Layout& layout) const;
  std::string Line(const Layout& layout, const std::vector<std::string>& cells) const;
  std::vector<std::string> Headers() const;
  std::string ToText(const Layout& layout) const;
  // The first column in lines of its own.
  std::string ToStackedText(const Layout& layout) const;

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
