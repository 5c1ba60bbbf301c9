#include "client/plot/layout.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include "client/render/table.h"

namespace anneal::client::plot {
namespace {

constexpr double kTitleHeight = 34;
constexpr double kPlotWidth = 560;
constexpr double kPlotHeight = 350;
constexpr double kLeastPlotHeight = 100;
// Of panels with categories.
constexpr double kCategoryHeight = 22;
constexpr double kCategoryMargins = 130;  // above and below
constexpr double kIntervalWidth = 430;
constexpr double kLargestLabelShare = 0.6;
// Of legends.
constexpr double kEntryHeight = 19;
constexpr double kSampleWidth = 50;
constexpr double kLegendMargin = 12;

double TextWidth(const std::string& text) {
  return kCharacterWidth * static_cast<double>(render::DisplayWidth(text));
}

double LabelWidth(const Panel& panel) {
  double width = 0;
  for (const std::string& category : panel.categories) {
    width = std::max(width, TextWidth(category));
  }
  return width;
}

using Entry = std::tuple<std::string, Color, int, Series::Kind, Series::Marker>;

std::vector<Entry> EntriesOf(const Panel& panel) {
  std::vector<Entry> entries;
  for (const Series& series : panel.series) {
    if (series.label.empty()) continue;
    entries.emplace_back(series.label, series.style.color, series.style.variant, series.kind,
                         series.marker);
  }
  return entries;
}

bool ShareOneLegend(const Figure& figure) {
  const std::vector<Entry> first = EntriesOf(figure.panels[0]);
  return std::all_of(figure.panels.begin(), figure.panels.end(),
                     [&first](const Panel& panel) { return EntriesOf(panel) == first; });
}

// A legend in columns of equal size.
struct Legend {
  size_t panel = 0;
  size_t entries = 0;
  size_t rows = 0;
  double column_width = 0;

  double height() const {
    return entries == 0 ? 0 : kLegendMargin + kEntryHeight * static_cast<double>(rows);
  }
};

Legend LegendOf(const Panel& panel, size_t index, double width) {
  const std::vector<Entry> entries = EntriesOf(panel);
  Legend legend = {.panel = index, .entries = entries.size()};
  for (const Entry& entry : entries) {
    legend.column_width =
        std::max(legend.column_width, kSampleWidth + TextWidth(std::get<0>(entry)));
  }
  if (entries.empty()) return legend;
  const auto columns =
      std::clamp<size_t>(static_cast<size_t>(width / legend.column_width), 1, entries.size());
  legend.rows = (entries.size() + columns - 1) / columns;
  return legend;
}

// Appends the legend's columns, in the middle of an area that begins at `x` and `y`.
void PlaceLegend(const Legend& legend, double x, double y, double width, Layout* layout) {
  if (legend.entries == 0) return;
  const size_t columns = (legend.entries + legend.rows - 1) / legend.rows;
  const double left = width - legend.column_width * static_cast<double>(columns);
  x += std::max(0.0, left / 2);
  for (size_t first = 0; first < legend.entries; first += legend.rows) {
    layout->legends.push_back(
        {.box = {.x = x, .y = y, .width = legend.column_width, .height = legend.height()},
         .panel = legend.panel,
         .first = first,
         .count = std::min(legend.rows, legend.entries - first)});
    x += legend.column_width;
  }
}

double NaturalWidth(const Panel& panel) {
  if (panel.categories.empty()) return kPlotWidth;
  return std::max(kPlotWidth, LabelWidth(panel) + kIntervalWidth);
}

double NaturalHeight(const Panel& panel) {
  if (panel.categories.empty()) return kPlotHeight;
  return std::max(kPlotHeight, kCategoryMargins +
                                   kCategoryHeight * static_cast<double>(panel.categories.size()));
}

// Places the panels and their legends, top to bottom.
class Rows {
 public:
  Rows(const Figure& figure, int width, int height);
  Layout Take() &&;

 private:
  size_t RowCount() const { return (figure_.panels.size() + columns_ - 1) / columns_; }
  void Measure();
  void PlacePanel(size_t index, double y, double height);

  const Figure& figure_;
  const size_t columns_;
  Layout layout_;
  double panel_width_ = 0;
  std::vector<double> heights_;         // of the rows, without legends
  std::vector<double> legend_heights_;  // of the rows
  std::vector<Legend> legends_;         // of the panels
  Legend shared_;                       // below all
};

Rows::Rows(const Figure& figure, int width, int height)
    : figure_(figure), columns_(static_cast<size_t>(std::max(1, figure.columns))) {
  double natural = 0;
  for (const Panel& panel : figure.panels) natural = std::max(natural, NaturalWidth(panel));
  layout_.width = width > 0 ? width : static_cast<int>(natural * static_cast<double>(columns_));
  panel_width_ = layout_.width / static_cast<double>(columns_);
  Measure();
  double legends = shared_.height();
  for (const double row : legend_heights_) legends += row;
  double panels = 0;
  for (const double row : heights_) panels += row;
  layout_.height = height > 0 ? height : static_cast<int>(kTitleHeight + panels + legends);
  const double least = kLeastPlotHeight * static_cast<double>(RowCount());
  const double left = std::max(least, layout_.height - kTitleHeight - legends);
  layout_.height = std::max(layout_.height, static_cast<int>(kTitleHeight + left + legends));
  for (double& row : heights_) row *= left / panels;
}

void Rows::Measure() {
  heights_.resize(RowCount());
  legend_heights_.resize(RowCount());
  const bool shares = ShareOneLegend(figure_);
  for (size_t i = 0; i < figure_.panels.size(); ++i) {
    const Panel& panel = figure_.panels[i];
    double& height = heights_[i / columns_];
    height = std::max(height, NaturalHeight(panel));
    if (shares) continue;
    legends_.push_back(LegendOf(panel, i, panel_width_));
    double& legend_height = legend_heights_[i / columns_];
    legend_height = std::max(legend_height, legends_.back().height());
  }
  if (shares) shared_ = LegendOf(figure_.panels[0], 0, layout_.width);
}

void Rows::PlacePanel(size_t index, double y, double height) {
  const double x = static_cast<double>(index % columns_) * panel_width_;
  PanelBox panel = {.box = {.x = x, .y = y, .width = panel_width_, .height = height}};
  if (!figure_.panels[index].categories.empty()) {
    panel.left_margin = std::min(LabelWidth(figure_.panels[index]) + 2 * kCharacterWidth,
                                 kLargestLabelShare * panel_width_);
  }
  layout_.panels.push_back(panel);
  if (!legends_.empty()) PlaceLegend(legends_[index], x, y + height, panel_width_, &layout_);
}

Layout Rows::Take() && {
  double y = kTitleHeight;
  for (size_t row = 0; row < RowCount(); ++row) {
    const size_t end = std::min(figure_.panels.size(), (row + 1) * columns_);
    for (size_t i = row * columns_; i < end; ++i) PlacePanel(i, y, heights_[row]);
    y += heights_[row] + legend_heights_[row];
  }
  PlaceLegend(shared_, 0, y, layout_.width, &layout_);
  return std::move(layout_);
}

}  // namespace

Layout LayoutOf(const Figure& figure, int width, int height) {
  if (figure.panels.empty()) return {.width = width, .height = height};
  return Rows(figure, width, height).Take();
}

}  // namespace anneal::client::plot
