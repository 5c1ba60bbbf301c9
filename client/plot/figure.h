// `Figure` describes a figure as data, independently of the renderer. Plain values.

#ifndef ANNEAL_CLIENT_PLOT_FIGURE_H_
#define ANNEAL_CLIENT_PLOT_FIGURE_H_

#include <string>
#include <vector>

namespace anneal::client::plot {

// The Okabe-Ito palette, distinguishable with any kind of colour vision.
// Grey is of legend entries that belong to no arm.
enum class Color { kBlack, kVermilion, kBlue, kGreen, kOrange, kSkyBlue, kPurple, kYellow, kGrey };
inline constexpr int kColors = 8;  // of arms

// The style of a series. Series of one colour differ in `variant`, which selects dashes and
// markers.
inline constexpr int kVariants = 5;
struct Style {
  Color color = Color::kBlack;
  int variant = 0;

  friend bool operator==(const Style&, const Style&) = default;
};

// Non-finite values are omitted; a line has a gap there.
struct Point {
  double x = 0;
  double y = 0;
  double low = 0;  // of bands and intervals
  double high = 0;

  friend bool operator==(const Point&, const Point&) = default;
};

struct Series {
  enum class Kind {
    kLine,
    kPoints,
    kBand,       // between low and high
    kIntervals,  // a point with a bar from low to high along x; y is the number of a category
  };
  // The marker of kPoints: of the style's variant, or one of its own for runs with this outcome.
  enum class Marker { kOfVariant, kDiverged, kCollapsed };
  Kind kind = Kind::kLine;
  Marker marker = Marker::kOfVariant;
  std::string label;  // empty: no legend entry
  Style style;
  std::vector<Point> points;  // none: a legend entry only
};

struct Panel {
  std::string title;
  std::string x_label;
  std::string y_label;
  bool log_y = false;
  bool identity = false;                // draw y = x, with equal scales
  bool zero_line = false;               // draw x = 0
  std::vector<std::string> categories;  // labels of y = 0, 1, ..., top to bottom
  std::vector<Series> series;
  // A matrix replaces the series: shares in [0, 1] by row and column, and the text of each cell.
  std::vector<std::vector<double>> matrix;
  std::vector<std::vector<std::string>> cells;
};

struct Figure {
  std::string title;
  int columns = 1;  // panels beside each other
  std::vector<Panel> panels;
};

}  // namespace anneal::client::plot

#endif  // ANNEAL_CLIENT_PLOT_FIGURE_H_
