// Tests that panels and legends have the room they need, and do not overlap.

#include "client/plot/layout.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anneal::client::plot {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

Panel PanelOf(int lines, const std::string& name = "line") {
  Panel panel;
  for (int i = 0; i < lines; ++i) panel.series.push_back({.label = absl::StrCat(name, i)});
  return panel;
}

bool Overlap(const Box& a, const Box& b) {
  return a.x < b.x + b.width - 0.01 && b.x < a.x + a.width - 0.01 && a.y < b.y + b.height - 0.01 &&
         b.y < a.y + a.height - 0.01;
}

void ExpectDisjointBoxesInTheImage(const Layout& layout) {
  std::vector<Box> boxes;
  for (const PanelBox& panel : layout.panels) boxes.push_back(panel.box);
  for (const LegendBox& legend : layout.legends) boxes.push_back(legend.box);
  for (size_t i = 0; i < boxes.size(); ++i) {
    EXPECT_GE(boxes[i].y, 0);
    EXPECT_LE(boxes[i].y + boxes[i].height, layout.height + 1) << i;
    for (size_t j = 0; j < i; ++j) EXPECT_FALSE(Overlap(boxes[i], boxes[j])) << i << " and " << j;
  }
}

TEST(LayoutTest, PanelsKeepTheirHeightHoweverManyArmsTheLegendHas) {
  const Layout few = LayoutOf({.panels = {PanelOf(1)}}, 0, 0);
  const Layout many =
      LayoutOf({.panels = {PanelOf(40, "rates,optimizer.learning_rate=0.0")}}, 0, 0);
  EXPECT_DOUBLE_EQ(many.panels[0].box.height, few.panels[0].box.height);
  EXPECT_GT(many.height, few.height);
  ExpectDisjointBoxesInTheImage(few);
  ExpectDisjointBoxesInTheImage(many);
}

TEST(LayoutTest, EqualLegendsAreDrawnOnce) {
  const Layout equal =
      LayoutOf({.columns = 2, .panels = {PanelOf(2), PanelOf(2), PanelOf(2)}}, 0, 0);
  size_t entries = 0;
  for (const LegendBox& legend : equal.legends) entries += legend.count;
  EXPECT_EQ(entries, 2U);
  ExpectDisjointBoxesInTheImage(equal);
  const Layout different =
      LayoutOf({.columns = 2, .panels = {PanelOf(2), PanelOf(3), Panel()}}, 0, 0);
  entries = 0;
  for (const LegendBox& legend : different.legends) entries += legend.count;
  EXPECT_EQ(entries, 5U);
  ExpectDisjointBoxesInTheImage(different);
}

TEST(LayoutTest, ColumnsOfALegendHaveEveryEntryOnce) {
  const Layout layout = LayoutOf({.panels = {PanelOf(23, "a")}}, 0, 0);
  ASSERT_GT(layout.legends.size(), 1U);
  size_t next = 0;
  for (const LegendBox& legend : layout.legends) {
    EXPECT_EQ(legend.first, next);
    next += legend.count;
  }
  EXPECT_EQ(next, 23U);
}

TEST(LayoutTest, CategoriesHaveRoomForTheirLabels) {
  Panel panel;
  for (int i = 0; i < 40; ++i) {
    panel.categories.push_back(absl::StrCat("rates,optimizer.learning_rate=0.0", i));
  }
  const Layout layout = LayoutOf({.columns = 2, .panels = {panel, panel}}, 0, 0);
  const auto characters = static_cast<double>(panel.categories[39].size());
  EXPECT_GE(layout.panels[0].left_margin, characters * 7);
  EXPECT_GE(layout.panels[0].box.width - layout.panels[0].left_margin, 300);
  EXPECT_GE(layout.panels[0].box.height, 40 * 15);
  EXPECT_THAT(layout.legends, IsEmpty());
  EXPECT_THAT(layout.panels, SizeIs(2));
}

TEST(LayoutTest, GivenSizesHoldUnlessTheLegendNeedsMore) {
  const Layout layout = LayoutOf({.panels = {PanelOf(2)}}, 700, 500);
  EXPECT_EQ(layout.width, 700);
  EXPECT_EQ(layout.height, 500);
  ExpectDisjointBoxesInTheImage(layout);
  const Layout small = LayoutOf({.panels = {PanelOf(40)}}, 200, 150);
  EXPECT_EQ(small.width, 200);
  EXPECT_GT(small.height, 150);
  EXPECT_GE(small.panels[0].box.height, 100);
  ExpectDisjointBoxesInTheImage(small);
}

TEST(LayoutTest, FigureWithoutPanelsHasNoBoxes) {
  EXPECT_THAT(LayoutOf({}, 100, 100).panels, IsEmpty());
}

}  // namespace
}  // namespace anneal::client::plot
