#include "client/plot/terminal.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "client/plot/gnuplot.h"
#include "client/render/format.h"
#include "client/render/table.h"
#include "common/status.h"

namespace anneal::client::plot {
namespace {

using render::DisplayWidth;
using render::Pad;
using render::Table;

// The nearest of the 256 terminal colours.
constexpr int kTerminalColors[] = {-1, 166, 25, 36, 178, 74, 175, 227, 244};

struct Range {
  double low = 0;
  double high = 1;
};

// The plot area of a panel: ranges and size.
struct Canvas {
  int columns = 0;  // in characters
  int rows = 0;
  Range x;
  Range y;
};

bool IsDrawn(const Panel& panel, double value) {
  return std::isfinite(value) && (!panel.log_y || value > 0);
}

void Widen(double value, bool* any, Range* range) {
  range->low = *any ? std::min(range->low, value) : value;
  range->high = *any ? std::max(range->high, value) : value;
  *any = true;
}

void FindRanges(const Panel& panel, Canvas* canvas) {
  bool any_x = false;
  bool any_y = false;
  for (const Series& series : panel.series) {
    for (const Point& point : series.points) {
      const bool sideways = series.kind == Series::Kind::kIntervals;
      std::vector<double> ys = {point.y};
      if (series.kind == Series::Kind::kBand) ys = {point.low, point.high};
      for (const double y : ys) {
        if (!std::isfinite(point.x) || !IsDrawn(panel, y)) continue;
        Widen(point.x, &any_x, &canvas->x);
        Widen(y, &any_y, &canvas->y);
      }
      if (!sideways) continue;
      for (const double x : {point.low, point.high}) {
        if (std::isfinite(x)) Widen(x, &any_x, &canvas->x);
      }
    }
  }
  if (panel.zero_line) Widen(0, &any_x, &canvas->x);
  if (!panel.categories.empty()) {
    // Top to bottom.
    canvas->y = {.low = static_cast<double>(panel.categories.size()) - 0.5, .high = -0.5};
  }
  if (panel.identity) {
    const Range both = {.low = std::min(canvas->x.low, canvas->y.low),
                        .high = std::max(canvas->x.high, canvas->y.high)};
    canvas->x = canvas->y = both;
  }
  for (Range* range : {&canvas->x, &canvas->y}) {
    if (range->low != range->high) continue;
    const double half = range->low == 0 ? 1 : 0.1 * std::abs(range->low);
    *range = {.low = range->low - half, .high = range->high + half};
  }
}

std::string Span(const Range& range) {
  return absl::StrFormat("[%.17g:%.17g]", range.low, range.high);
}

// Returns a script that draws only the items `what`, as a bitmap of the size of the canvas.
std::string BitmapScript(const Panel& panel, const Canvas& canvas,
                         const std::vector<std::string>& what) {
  std::string script = absl::StrCat(
      "set encoding utf8\nset terminal pbm monochrome size ", 2 * canvas.columns, ",",
      4 * canvas.rows, "\nset lmargin 0\nset rmargin 0\nset tmargin 0\nset bmargin 0\n",
      "unset border\nunset tics\nunset key\nset xrange ", Span(canvas.x), "\nset yrange ",
      Span(canvas.y), "\n", panel.log_y ? "set logscale y\n" : "", DataBlocks(panel));
  for (const std::string& clause : what) absl::StrAppend(&script, "plot ", clause, "\n");
  return script;
}

// The markers of gnuplot that are distinguishable in a few dots: a square, a cross, a triangle.
int PointType(Series::Marker marker) {
  switch (marker) {
    case Series::Marker::kDiverged:
      return 2;
    case Series::Marker::kCollapsed:
      return 10;
    case Series::Marker::kOfVariant:
      break;
  }
  return 5;
}

std::string Clause(const Series& series, size_t index) {
  const std::string data = absl::StrCat("$data", index);
  switch (series.kind) {
    case Series::Kind::kBand:
      return absl::StrCat(data, " using 1:3 with lines lt 1, ", data, " using 1:4 with lines lt 1");
    case Series::Kind::kPoints:
      return absl::StrCat(data, " using 1:2 with points pt ", PointType(series.marker),
                          series.marker == Series::Marker::kOfVariant ? " ps 1" : " ps 2");
    case Series::Kind::kIntervals:
      return absl::StrCat(data, " using 1:2:3:4 with xerrorbars lt 1 pt 5 ps 1");
    case Series::Kind::kLine:
      break;
  }
  return absl::StrCat(data, " using 1:2 with ",
                      series.points.size() == 1 ? "points pt 5 ps 1" : "lines lt 1");
}

// A PBM bitmap (P4): rows of bits, top row first.
class Bitmap {
 public:
  // Parses a bitmap and removes it from `bytes`.
  static absl::StatusOr<Bitmap> Take(absl::string_view* bytes) {
    int width = 0;
    int height = 0;
    const std::vector<absl::string_view> head = absl::StrSplit(*bytes, absl::MaxSplits('\n', 2));
    const std::vector<absl::string_view> size =
        absl::StrSplit(head.size() == 3 ? head[1] : "", ' ');
    if (head.size() != 3 || head[0] != "P4" || size.size() != 2 ||
        !absl::SimpleAtoi(size[0], &width) || !absl::SimpleAtoi(size[1], &height)) {
      return absl::InternalError("gnuplot produced no bitmap");
    }
    Bitmap bitmap;
    bitmap.stride_ = static_cast<size_t>(width + 7) / 8;
    const size_t length = bitmap.stride_ * static_cast<size_t>(height);
    if (head[2].size() < length) return absl::InternalError("gnuplot produced a truncated bitmap");
    bitmap.bits_ = std::string(head[2].substr(0, length));
    *bytes = head[2].substr(length);
    return bitmap;
  }

  bool At(int x, int y) const {
    const auto byte = bits_[static_cast<size_t>(y) * stride_ + static_cast<size_t>(x) / 8];
    return (static_cast<unsigned char>(byte) >> (7 - x % 8) & 1) != 0;
  }

 private:
  size_t stride_ = 0;
  std::string bits_;
};

// The dots of a Braille character: bit k of the code point minus U+2800.
unsigned Dots(const Bitmap& bitmap, int column, int row) {
  constexpr unsigned kBits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
  unsigned dots = 0;
  for (int y = 0; y < 4; ++y) {
    for (int x = 0; x < 2; ++x) {
      if (bitmap.At(2 * column + x, 4 * row + y)) dots |= kBits[y][x];
    }
  }
  return dots;
}

std::string Braille(unsigned dots) {
  if (dots == 0) return " ";
  const unsigned code = 0x2800 + dots;
  return {static_cast<char>(0xe0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 0x3f)),
          static_cast<char>(0x80 | (code & 0x3f))};
}

std::string Painted(const std::string& text, const Style& style, bool color) {
  const int code = kTerminalColors[static_cast<size_t>(style.color)];
  if (!color || code < 0) return text;
  return absl::StrCat("\x1b[38;5;", code, "m", text, "\x1b[0m");
}

std::string Centered(absl::string_view text, int width) {
  const int space = std::max(0, width - static_cast<int>(DisplayWidth(text)));
  return absl::StrCat(std::string(static_cast<size_t>(space) / 2, ' '), text);
}

// Returns the y axis label of row `row`.
std::string YLabel(const Panel& panel, const Canvas& canvas, int row) {
  if (!panel.categories.empty()) {
    for (size_t i = 0; i < panel.categories.size(); ++i) {
      const double middle = (static_cast<double>(i) + 0.5) * canvas.rows /
                            static_cast<double>(panel.categories.size());
      if (static_cast<int>(middle) == row) return panel.categories[i];
    }
    return "";
  }
  if (row != 0 && row != canvas.rows - 1 && row != canvas.rows / 2) return "";
  const double share = row == 0 ? 1 : row == canvas.rows - 1 ? 0 : 0.5;
  const Range& y = canvas.y;
  return render::Short(panel.log_y ? y.low * std::pow(y.high / y.low, share)
                                   : y.low + share * (y.high - y.low));
}

std::string MatrixText(const Panel& panel) {
  std::vector<Table::Column> columns = {{"", ""}};
  for (size_t i = 0; i < panel.matrix.size(); ++i) columns.push_back({"", absl::StrCat(i)});
  Table table(std::move(columns));
  for (size_t row = 0; row < panel.cells.size(); ++row) {
    std::vector<std::string> cells = {absl::StrCat(row)};
    cells.insert(cells.end(), panel.cells[row].begin(), panel.cells[row].end());
    table.AddRow(std::move(cells));
  }
  return absl::StrCat(panel.title, "\nrows: ", panel.y_label, "; columns: ", panel.x_label, "\n",
                      table.ToText());
}

// The columns left of the plot that hold the labels of the y axis.
int LabelWidth(const Panel& panel, const TerminalOptions& options) {
  int width = 9;
  for (const std::string& category : panel.categories) {
    width = std::max(width, static_cast<int>(DisplayWidth(category)));
  }
  return std::min(width, options.width / 3);
}

// Returns the cells of a row, in the style of the last series that has dots in each.
std::string RowText(const std::vector<Bitmap>& bitmaps, const std::vector<Style>& styles,
                    const Canvas& canvas, int row, const TerminalOptions& options) {
  std::string text;
  for (int column = 0; column < canvas.columns; ++column) {
    unsigned all = 0;
    Style style;
    for (size_t i = 0; i < bitmaps.size(); ++i) {
      const unsigned dots = Dots(bitmaps[i], column, row);
      if (dots != 0) style = styles[i];
      all |= dots;
    }
    text += Painted(Braille(all), style, options.color);
  }
  return text;
}

std::string XAxisText(const Panel& panel, const Canvas& canvas, absl::string_view margin) {
  std::string line;
  for (int i = 0; i < canvas.columns; ++i) line += "─";
  const std::string low = render::Short(canvas.x.low);
  const std::string high = render::Short(canvas.x.high);
  const int middle = canvas.columns - static_cast<int>(low.size() + high.size());
  std::string axis = Centered(panel.x_label, middle);
  axis = Pad(axis, static_cast<size_t>(std::max(0, middle)), Table::Align::kLeft);
  return absl::StrCat(margin, "└", line, "\n", margin, " ", low, axis, high, "\n");
}

const char* LegendSymbol(const Series& series) {
  if (series.kind != Series::Kind::kPoints) return "━━";
  switch (series.marker) {
    case Series::Marker::kDiverged:
      return "×";
    case Series::Marker::kCollapsed:
      return "▽";
    case Series::Marker::kOfVariant:
      break;
  }
  return "●";
}

std::string LegendText(const Panel& panel, absl::string_view margin,
                       const TerminalOptions& options) {
  std::string text;
  for (const Series& series : panel.series) {
    if (series.label.empty()) continue;
    absl::StrAppend(&text, margin, " ", Painted(LegendSymbol(series), series.style, options.color),
                    " ", series.label, "\n");
  }
  return text;
}

absl::StatusOr<std::string> PanelText(const Panel& panel, const TerminalOptions& options) {
  if (!panel.matrix.empty()) return MatrixText(panel);
  const int left = LabelWidth(panel, options);
  Canvas canvas = {.columns = std::max(10, options.width - left - 3),
                   .rows = panel.categories.empty()
                               ? options.height
                               : static_cast<int>(3 * panel.categories.size())};
  FindRanges(panel, &canvas);
  std::vector<std::string> clauses;
  std::vector<Style> styles;
  for (size_t i = 0; i < panel.series.size(); ++i) {
    if (!HasPoints(panel, panel.series[i])) continue;
    clauses.push_back(Clause(panel.series[i], i));
    styles.push_back(panel.series[i].style);
  }
  if (panel.identity) {
    clauses.emplace_back("x with lines lt 1");
    styles.emplace_back();
  }
  ANNEAL_ASSIGN_OR_RETURN(const std::string output,
                          RunGnuplot(BitmapScript(panel, canvas, clauses)));
  absl::string_view rest = output;
  std::vector<Bitmap> bitmaps;
  for (size_t i = 0; i < clauses.size(); ++i) {
    ANNEAL_ASSIGN_OR_RETURN(bitmaps.emplace_back(), Bitmap::Take(&rest));
  }
  std::string text = absl::StrCat(Centered(panel.title, options.width), "\n");
  if (!panel.y_label.empty()) absl::StrAppend(&text, panel.y_label, "\n");
  for (int row = 0; row < canvas.rows; ++row) {
    const std::string label = YLabel(panel, canvas, row);
    absl::StrAppend(&text, Pad(label, static_cast<size_t>(left), Table::Align::kRight),
                    label.empty() ? " │" : " ┤", RowText(bitmaps, styles, canvas, row, options));
    text.erase(text.find_last_not_of(' ') + 1);
    text += "\n";
  }
  const std::string margin(static_cast<size_t>(left) + 1, ' ');
  return absl::StrCat(text, XAxisText(panel, canvas, margin), LegendText(panel, margin, options));
}

}  // namespace

absl::StatusOr<std::string> DrawInTerminal(const Figure& figure, const TerminalOptions& options) {
  std::string text = figure.title.empty() ? "" : figure.title + "\n\n";
  for (size_t i = 0; i < figure.panels.size(); ++i) {
    ANNEAL_ASSIGN_OR_RETURN(const std::string panel, PanelText(figure.panels[i], options));
    absl::StrAppend(&text, i > 0 ? "\n" : "", panel);
  }
  return text;
}

}  // namespace anneal::client::plot
