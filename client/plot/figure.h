// Figures as data: what is drawn, before anything is drawn. Pure values.

#ifndef ANNEAL_CLIENT_PLOT_FIGURE_H_
#define ANNEAL_CLIENT_PLOT_FIGURE_H_

#include <string>
#include <vector>

namespace anneal::client::plot {

// Okabe and Ito's colours, which people with any kind of colour vision can tell apart.
enum class Color { kBlack, kVermilion, kBlue, kGreen, kOrange, kSkyBlue, kPurple, kYellow };
inline constexpr int kColors = 8;

// How a series looks. Series of one colour differ in `variant`: dashes and markers, of which there
// are so many.
inline constexpr int kVariants = 5;
struct Style {
  Color color = Color::kBlack;
  int variant = 0;

  friend bool operator==(const Style&, const Style&) = default;
};

// Values that are not finite are left out: a line has a gap there.
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
  Kind kind = Kind::kLine;
  std::string label;  // empty: not in the legend
  Style style;
  std::vector<Point> points;
};

struct Panel {
  std::string title;
  std::string x_label;
  std::string y_label;
  bool log_y = false;
  bool identity = false;   // a line where both axes have the same value, and equal scales
  bool zero_line = false;  // where x is 0
  std::vector<std::string> categories;  // names of y = 0, 1, ..., from top to bottom
  std::vector<Series> series;
  // Instead of series: shares in 0..1 by row and column, and the numbers that are written there.
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
