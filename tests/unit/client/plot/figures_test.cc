// Tests points, bands and styles of figures, and that gnuplot draws them.

#include "client/plot/figures.h"

#include <cmath>
#include <string>
#include <vector>

#include "client/plot/arms.h"
#include "client/plot/gnuplot.h"
#include "client/plot/series.h"
#include "client/plot/terminal.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anneal::client::plot {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

RunData SomeRun(const std::string& name, int64_t seed, const std::vector<double>& losses,
                v1::ThetaPolicy policy = v1::THETA_POLICY_FIXED) {
  RunData data;
  data.run.set_name("experiments/" + name + "/runs/" + std::to_string(seed));
  data.run.set_seed(seed);
  data.run.set_state(v1::RUN_STATE_SUCCEEDED);
  data.run.mutable_config()->mutable_theta()->set_policy(policy);
  for (const double loss : losses) {
    v1::Epoch& epoch = data.epochs.emplace_back();
    epoch.set_epoch(static_cast<int32_t>(data.epochs.size()));
    epoch.set_validation_loss(loss);
    epoch.set_train_loss(loss / 2);
    epoch.mutable_theta()->set_count(1);
    epoch.mutable_theta()->set_median(0.1);
  }
  return data;
}

std::vector<ArmData> TwoArms() {
  return {{.name = "a", .runs = {SomeRun("a", 0, {3, 1}), SomeRun("a", 1, {5, 2, 1})}},
          {.name = "b", .runs = {SomeRun("b", 0, {4, 2}, v1::THETA_POLICY_SCHEDULED)}}};
}

Metric EpochMetric(const std::string& name) { return *FindEpochMetric("metric", name); }

TEST(FiguresTest, CurvesAreMeansWithBandsOfOneDeviation) {
  const Figure figure = Curves(TwoArms(), {EpochMetric("validation_loss")}, /*log_y=*/false);
  ASSERT_THAT(figure.panels, SizeIs(1));
  const std::vector<Series>& series = figure.panels[0].series;
  // A band for the arm with two runs, and a line per arm.
  ASSERT_THAT(series, SizeIs(3));
  EXPECT_EQ(series[0].kind, Series::Kind::kBand);
  ASSERT_THAT(series[0].points, SizeIs(2));  // epochs that both runs have
  EXPECT_DOUBLE_EQ(series[0].points[0].low, 4 - std::sqrt(2));
  EXPECT_DOUBLE_EQ(series[0].points[0].high, 4 + std::sqrt(2));
  EXPECT_THAT(series[1].points, ElementsAre(Point{.x = 1, .y = 4}, Point{.x = 2, .y = 1.5}));
  EXPECT_EQ(series[1].label, "a (2 runs)");
  EXPECT_THAT(series[2].points, ElementsAre(Point{.x = 1, .y = 4}, Point{.x = 2, .y = 2}));
  EXPECT_EQ(series[0].style, series[1].style);
  EXPECT_FALSE(series[1].style == series[2].style);
}

TEST(FiguresTest, BandOnALogarithmicAxisStaysPositive) {
  const std::vector<ArmData> arms = {
      {.name = "a", .runs = {SomeRun("a", 0, {0.1}), SomeRun("a", 1, {10})}}};
  const Figure figure = Curves(arms, {EpochMetric("validation_loss")}, /*log_y=*/true);
  EXPECT_TRUE(figure.panels[0].log_y);
  EXPECT_GT(figure.panels[0].series[0].points[0].low, 0);
}

TEST(FiguresTest, ColourEncodesTheThetaPolicy) {
  const std::vector<Style> styles = StylesOf(TwoArms());
  EXPECT_THAT(styles,
              ElementsAre(Style{.color = Color::kBlack}, Style{.color = Color::kVermilion}));
  // If all arms have the same policy, colours distinguish them.
  std::vector<ArmData> same = {TwoArms()[1], TwoArms()[1]};
  EXPECT_NE(StylesOf(same)[0].color, StylesOf(same)[1].color);
}

TEST(FiguresTest, YoudenPicksAnEpoch) {
  const auto point = [](Pick pick) {
    const Figure figure =
        Youden(TwoArms(), EpochMetric("train_loss"), EpochMetric("validation_loss"), pick);
    EXPECT_TRUE(figure.panels[0].identity);
    EXPECT_THAT(figure.panels[0].series, SizeIs(2));
    EXPECT_THAT(figure.panels[0].series[0].points, SizeIs(2));
    return figure.panels[0].series[0].points[1];  // losses 5, 2, 1
  };
  EXPECT_EQ(point(Pick::kFinal), (Point{.x = 0.5, .y = 1}));
  EXPECT_EQ(point(Pick::kMin), (Point{.x = 0.5, .y = 1}));
  EXPECT_EQ(point(Pick::kMax), (Point{.x = 2.5, .y = 5}));
  EXPECT_NEAR(point(Pick::kMean).y, 8.0 / 3, 1e-12);
}

TEST(FiguresTest, ConfusionsAreSummedAndSharesAreOfTheTrueClass) {
  std::vector<ArmData> arms = TwoArms();
  for (RunData& run : arms[0].runs) {
    v1::TestResult* result = run.run.add_test_results();
    result->set_weights(v1::TestResult::WEIGHTS_LAST);
    for (const int count : {3, 1, 0, 4}) result->add_confusion(count);
  }
  const auto figure = Confusions(arms, v1::TestResult::WEIGHTS_LAST);
  ASSERT_TRUE(figure.ok()) << figure.status();
  ASSERT_THAT(figure->panels, SizeIs(1));  // the other arm has none
  EXPECT_THAT(figure->panels[0].matrix, ElementsAre(ElementsAre(0.75, 0.25), ElementsAre(0, 1)));
  EXPECT_THAT(figure->panels[0].cells, ElementsAre(ElementsAre("6", "2"), ElementsAre("", "8")));
  EXPECT_EQ(Confusions(arms, v1::TestResult::WEIGHTS_BEST).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(FiguresTest, LandscapeWithoutDiagnosticsFailsWithTheRemedy) {
  const auto figure = Landscape(TwoArms());
  EXPECT_EQ(figure.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(figure.status().message()), HasSubstr("diagnostics.activations=true"));
}

TEST(FiguresTest, ManyThetasHaveBandsAndAHistogramALayer) {
  std::vector<ArmData> arms = TwoArms();
  for (v1::Epoch& epoch : arms[1].runs[0].epochs) {
    epoch.mutable_theta()->set_count(4);
    epoch.mutable_theta()->set_q05(0);
    epoch.mutable_theta()->set_q95(0.5);
  }
  v1::ThetaVector theta;
  theta.set_epoch(2);
  for (const float value : {0.0F, 0.0F, 0.0F, 1.0F}) theta.add_values(value);
  const Figure figure = Thetas(arms, {{}, {theta}});
  ASSERT_THAT(figure.panels, SizeIs(2));
  EXPECT_THAT(figure.panels[0].series, SizeIs(4));  // two bands, two lines
  const std::vector<Point>& steps = figure.panels[1].series[0].points;
  EXPECT_DOUBLE_EQ(steps.front().y, 0.75);
  EXPECT_DOUBLE_EQ(steps.back().y, 0.25);
}

v1::CompareExperimentsResponse ComparisonOfThree() {
  v1::CompareExperimentsResponse comparison;
  comparison.set_metric("test_accuracy");
  comparison.set_baseline("x");
  for (const char* name : {"x", "x,epochs=3"}) comparison.add_arms()->set_name(name);
  v1::ArmsOfRuns* arms_of_runs = comparison.add_arms_of_runs();
  arms_of_runs->set_experiment("experiments/x");
  for (const int arm : {0, 1, 0}) arms_of_runs->add_arms(arm);
  return comparison;
}

TEST(ArmsTest, RunsAreInTheArmsOfTheServer) {
  const auto arms = SortIntoArms({SomeRun("x", 0, {1}), SomeRun("x", 1, {1}), SomeRun("x", 2, {1})},
                                 ComparisonOfThree());
  ASSERT_TRUE(arms.ok()) << arms.status();
  ASSERT_THAT(*arms, SizeIs(2));
  EXPECT_EQ((*arms)[0].name, "x");
  EXPECT_THAT((*arms)[0].runs, SizeIs(2));
  EXPECT_EQ((*arms)[1].name, "x,epochs=3");
  const auto reversed =
      SortIntoArms({SomeRun("x", 1, {1}), SomeRun("x", 0, {1})}, ComparisonOfThree());
  ASSERT_TRUE(reversed.ok());
  EXPECT_EQ((*reversed)[0].name, "x,epochs=3") << "in the order of the runs";
}

TEST(ArmsTest, RunWithoutAnArmIsAnError) {
  v1::CompareExperimentsResponse comparison = ComparisonOfThree();
  EXPECT_EQ(SortIntoArms({SomeRun("y", 0, {1})}, comparison).status().code(),
            absl::StatusCode::kFailedPrecondition);
  // An invalid response: the index of an arm that does not exist.
  for (const int arm : {-1, 2}) {
    comparison.mutable_arms_of_runs(0)->set_arms(1, arm);
    const absl::Status status = SortIntoArms({SomeRun("x", 1, {1})}, comparison).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()), HasSubstr("x/1"));
  }
}

TEST(FiguresTest, IntervalsOfAComparisonComeFromTheServer) {
  v1::CompareExperimentsResponse comparison = ComparisonOfThree();
  v1::Arm* arm = comparison.mutable_arms(1);
  arm->mutable_value()->set_mean(0.5);
  arm->mutable_value_interval()->set_low(0.25);
  arm->mutable_value_interval()->set_high(0.625);
  arm->mutable_comparison()->set_difference(0.125);
  arm->mutable_comparison()->set_difference_low(-0.5);
  arm->mutable_comparison()->set_difference_high(0.75);
  const auto arms = SortIntoArms(
      {SomeRun("x", 0, {}), SomeRun("x", 1, {}, v1::THETA_POLICY_SCHEDULED)}, comparison);
  ASSERT_TRUE(arms.ok()) << arms.status();
  const Figure figure = Compare(comparison, *arms);
  ASSERT_THAT(figure.panels, SizeIs(2));
  EXPECT_THAT(figure.panels[0].categories, ElementsAre("x", "x,epochs=3"));
  ASSERT_THAT(figure.panels[0].series, SizeIs(1)) << "the other has no values";
  EXPECT_THAT(figure.panels[0].series[0].points,
              ElementsAre(Point{.x = 0.5, .y = 1, .low = 0.25, .high = 0.625}));
  EXPECT_EQ(figure.panels[0].series[0].style.color, Color::kVermilion);
  EXPECT_THAT(figure.panels[1].categories, ElementsAre("x,epochs=3"));
  EXPECT_THAT(figure.panels[1].series[0].points,
              ElementsAre(Point{.x = 0.125, .y = 0, .low = -0.5, .high = 0.75}));
}

TEST(FiguresTest, YoudenDrawsTheIdentityForEqualUnitsOnly) {
  const auto has_identity = [](const char* x, const char* y) {
    return Youden(TwoArms(), EpochMetric(x), EpochMetric(y), Pick::kFinal).panels[0].identity;
  };
  EXPECT_TRUE(has_identity("train_loss", "validation_loss"));
  EXPECT_TRUE(has_identity("validation_f1", "validation_accuracy"));
  EXPECT_TRUE(has_identity("theta_mean", "theta_mean"));
  EXPECT_FALSE(has_identity("train_loss", "validation_accuracy"));
}

TEST(GnuplotTest, ImagesHaveTheirFormatTitleAndLegend) {
  Figure figure = Curves(TwoArms(), {EpochMetric("validation_loss")}, false);
  figure.title = "50 % \"quoted\" 'single' \\n θ $x `date`";
  const auto svg = Draw(figure, Format::kSvg, {});
  ASSERT_TRUE(svg.ok()) << svg.status();
  EXPECT_THAT(svg->substr(0, 100), StartsWith("<?xml"));
  EXPECT_NE(svg->find("a (2 runs)"), std::string::npos);
  EXPECT_NE(svg->find("'single' \\n θ $x `date`"), std::string::npos);
  const auto png = Draw(figure, Format::kPng, {.width = 300, .height = 200});
  ASSERT_TRUE(png.ok()) << png.status();
  EXPECT_EQ(png->substr(1, 3), "PNG");
}

TEST(GnuplotTest, NonFiniteValuesAreOmitted) {
  const double nan = std::nan("");
  const std::vector<ArmData> arms = {{.name = "a", .runs = {SomeRun("a", 0, {1, nan, 3})}}};
  const Figure figure = Curves(arms, {EpochMetric("validation_loss")}, false);
  EXPECT_THAT(DataBlocks(figure.panels[0]), HasSubstr("2 NaN"));
  EXPECT_TRUE(Draw(figure, Format::kSvg, {}).ok());
  EXPECT_TRUE(DrawInTerminal(figure, {}).ok());
}

TEST(GnuplotTest, PanelsWithoutValuesAreMarkedEmpty) {
  const double nan = std::nan("");
  const std::vector<ArmData> arms = {{.name = "a", .runs = {SomeRun("a", 0, {nan, nan})}}};
  const Figure figure = Curves(arms, {EpochMetric("validation_loss")}, false);
  const auto svg = Draw(figure, Format::kSvg, {});
  ASSERT_TRUE(svg.ok()) << svg.status();
  EXPECT_NE(svg->find("nothing recorded"), std::string::npos);
  EXPECT_TRUE(DrawInTerminal(figure, {}).ok());
}

TEST(GnuplotTest, EarlyExitOfGnuplotIsAnErrorNotASignal) {
  const std::string script = "nonsense(\n" + std::string(1'000'000, '#') + "\n";
  EXPECT_EQ(RunGnuplot(script).status().code(), absl::StatusCode::kInternal);
}

TEST(GnuplotTest, ErrorsIncludeItsOutput) {
  const auto output = RunGnuplot("plot nonsense(\n");
  EXPECT_EQ(output.status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(*RunGnuplot("set print '-'\nprint 'x'\n"), "x\n");
}

TEST(TerminalTest, LineRisesFromLeftToRight) {
  Panel panel = {.title = "rise", .x_label = "x"};
  panel.series.push_back({.label = "line", .points = {{.x = 0, .y = 0}, {.x = 1, .y = 8}}});
  const auto text = DrawInTerminal({.panels = {panel}}, {.width = 60, .height = 10});
  ASSERT_TRUE(text.ok()) << text.status();
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text->size();) {
    const size_t end = text->find('\n', begin);
    lines.push_back(text->substr(begin, end - begin));
    begin = end + 1;
  }
  // Title, ten rows, the axis, its numbers, the legend.
  ASSERT_THAT(lines, SizeIs(14));
  EXPECT_THAT(lines[1], StartsWith("        8 ┤"));
  EXPECT_THAT(lines[10], StartsWith("        0 ┤"));
  EXPECT_GT(lines[1].size(), lines[10].size());
  EXPECT_THAT(lines[13], HasSubstr("━━ line"));
  EXPECT_EQ(text->find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace anneal::client::plot
