// `LayoutOf` divides the area of an image among the panels and legends of a figure. Pure;
// thread-safe.

#ifndef ANNEAL_CLIENT_PLOT_LAYOUT_H_
#define ANNEAL_CLIENT_PLOT_LAYOUT_H_

#include <vector>

#include "client/plot/figure.h"

namespace anneal::client::plot {

// A rectangle in pixels, from the upper left corner of the image.
struct Box {
  double x = 0;
  double y = 0;
  double width = 0;
  double height = 0;
};

struct PanelBox {
  Box box;
  // The margin left of the plot area, for the labels of categories; 0: as the renderer chooses.
  double left_margin = 0;
};

// A column of a legend.
struct LegendBox {
  Box box;
  size_t panel = 0;  // whose series it explains
  // Which of the series with a label it has.
  size_t first = 0;
  size_t count = 0;
};

struct Layout {
  int width = 0;
  int height = 0;
  std::vector<PanelBox> panels;
  // The columns of a legend below each panel that has one, or of one below all panels if their
  // legends are equal.
  std::vector<LegendBox> legends;
};

// The width of a character of labels in pixels, on the safe side of the mean.
inline constexpr double kCharacterWidth = 8.5;

// Returns the layout of the panels in rows of `figure.columns`. `width` and `height` are in pixels;
// 0: what the contents need. Legends keep their height if the image has a given one.
Layout LayoutOf(const Figure& figure, int width, int height);

}  // namespace anneal::client::plot

#endif  // ANNEAL_CLIENT_PLOT_LAYOUT_H_
