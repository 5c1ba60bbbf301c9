// Tests points, bands, markers, labels and styles of figures, and that gnuplot draws them.

#include "client/plot/figures.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "client/plot/gnuplot.h"
#include "client/plot/series.h"
#include "client/plot/terminal.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anneal::client::plot {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

using Response = v1::CompareExperimentsResponse;

// A curve of these means, with a band of ±0.5 clipped at 0.
v1::Curve CurveOf(const std::string& metric, const std::vector<double>& means,
                  const std::vector<int>& counts) {
  v1::Curve curve;
  curve.set_metric(metric);
  curve.set_layer(-1);
  for (size_t i = 0; i < means.size(); ++i) {
    curve.add_epochs(static_cast<int32_t>(i) + 1);
    curve.add_counts(counts[i]);
    curve.add_means(means[i]);
    curve.add_lows(std::max(0.0, means[i] - 0.5));
    curve.add_highs(means[i] + 0.5);
  }
  return curve;
}

void AddEnd(int epoch, double value, v1::Curve* curve) {
  v1::CurveEnd* end = curve->add_diverged();
  end->set_epoch(epoch);
  end->set_value(value);
}

v1::Arm* AddArm(const std::string& name, v1::ThetaPolicy policy, Response* response) {
  v1::Arm* arm = response->add_arms();
  arm->set_name(name);
  arm->mutable_config()->mutable_theta()->set_policy(policy);
  return arm;
}

void AddRun(int arm, int64_t seed, v1::RunOutcome outcome, double x, double y, Response* response) {
  if (response->arms_of_runs().empty()) {
    v1::ArmsOfRuns* added = response->add_arms_of_runs();
    added->set_experiment("experiments/x");
    added->add_values()->set_metric("train_loss");
    added->add_values()->set_metric("validation_loss");
  }
  v1::ArmsOfRuns* runs = response->mutable_arms_of_runs(0);
  runs->add_arms(arm);
  runs->add_seeds(seed);
  runs->add_outcomes(outcome);
  runs->add_duplicates(false);
  runs->mutable_values(0)->add_values(x);
  runs->mutable_values(1)->add_values(y);
}

// `a` lost one of three runs after its first epoch; `b` has one run.
Response TwoArms() {
  Response response;
  v1::Arm* a = AddArm("a", v1::THETA_POLICY_FIXED, &response);
  a->set_succeeded(2);
  a->set_diverged(1);
  *a->add_curves() = CurveOf("validation_loss", {4, 1.5, 0.25}, {3, 2, 2});
  AddEnd(1, 9, a->mutable_curves(0));
  v1::Arm* b = AddArm("b", v1::THETA_POLICY_SCHEDULED, &response);
  b->set_succeeded(1);
  *b->add_curves() = CurveOf("validation_loss", {4, 2}, {1, 1});
  AddRun(0, 0, v1::RUN_OUTCOME_SUCCEEDED, 0.5, 1, &response);
  AddRun(0, 1, v1::RUN_OUTCOME_COLLAPSED, 2.25, 2.5, &response);
  AddRun(0, 2, v1::RUN_OUTCOME_DIVERGED, 7, 9, &response);
  AddRun(1, 0, v1::RUN_OUTCOME_SUCCEEDED, 0.25, 2, &response);
  AddRun(1, 1, v1::RUN_OUTCOME_MISSING, 3, 4, &response);
  return response;
}

// An arm all of whose runs diverged in their first epoch, which recorded none.
Response OnlyDiverged() {
  Response response;
  response.set_metric("validation_loss");
  response.set_baseline("a");
  v1::Arm* arm = AddArm("a", v1::THETA_POLICY_FIXED, &response);
  arm->set_diverged(2);
  arm->set_total(2);
  const double nan = std::nan("");
  AddRun(0, 0, v1::RUN_OUTCOME_DIVERGED, nan, nan, &response);
  AddRun(0, 1, v1::RUN_OUTCOME_DIVERGED, nan, nan, &response);
  return response;
}

Metric EpochMetric(const std::string& name) { return *FindEpochMetric("metric", name); }
std::vector<Metric> ValidationLoss() { return {EpochMetric("validation_loss")}; }

std::vector<std::string> LabelsOf(const Panel& panel) {
  std::vector<std::string> labels;
  for (const Series& series : panel.series) {
    if (!series.label.empty()) labels.push_back(series.label);
  }
  return labels;
}

TEST(FiguresTest, CurvesAreTheMeansAndBandsOfTheServer) {
  const Figure figure = Curves(TwoArms(), ValidationLoss(), /*log_y=*/false);
  ASSERT_THAT(figure.panels, SizeIs(1));
  const std::vector<Series>& series = figure.panels[0].series;
  // A band for the arm with several runs, a line per arm, the legend of the markers, the markers.
  ASSERT_THAT(series, SizeIs(5));
  EXPECT_EQ(series[0].kind, Series::Kind::kBand);
  EXPECT_THAT(series[0].points, ElementsAre(Point{.x = 1, .y = 4, .low = 3.5, .high = 4.5},
                                            Point{.x = 2, .y = 1.5, .low = 1, .high = 2},
                                            Point{.x = 3, .y = 0.25, .low = 0, .high = 0.75}));
  EXPECT_THAT(series[1].points,
              ElementsAre(Point{.x = 1, .y = 4}, Point{.x = 2, .y = 1.5}, Point{.x = 3, .y = 0.25}))
      << "the short run does not cut the others off";
  EXPECT_THAT(series[2].points, ElementsAre(Point{.x = 1, .y = 4}, Point{.x = 2, .y = 2}));
  EXPECT_EQ(series[0].style, series[1].style);
  EXPECT_FALSE(series[1].style == series[2].style);
}

TEST(FiguresTest, LegendsSayHowManyRunsAreBehindACurve) {
  const Figure figure = Curves(TwoArms(), ValidationLoss(), /*log_y=*/false);
  EXPECT_THAT(LabelsOf(figure.panels[0]),
              ElementsAre("a (n = 3…2, 1 diverged)", "b (n = 1)", "diverged"));
}

TEST(FiguresTest, RunsThatDivergedEndInAMarkerInTheArmsColour) {
  const Figure figure = Curves(TwoArms(), ValidationLoss(), /*log_y=*/false);
  const Series& ends = figure.panels[0].series[4];
  EXPECT_EQ(ends.marker, Series::Marker::kDiverged);
  EXPECT_EQ(ends.style.color, Color::kBlack);
  EXPECT_THAT(ends.points, ElementsAre(Point{.x = 1, .y = 9}));
  Response without = TwoArms();
  without.mutable_arms(0)->mutable_curves(0)->clear_diverged();
  EXPECT_THAT(Curves(without, ValidationLoss(), false).panels[0].series, SizeIs(3));
}

TEST(FiguresTest, TitlesSaySeedsOnlyWhereEachIsOneRun) {
  Response response = TwoArms();
  EXPECT_THAT(Curves(response, ValidationLoss(), false).title, StartsWith("mean over seeds,"));
  // The seed of a run that is missing is no observation.
  AddRun(0, 0, v1::RUN_OUTCOME_MISSING, 1, 1, &response);
  EXPECT_THAT(Curves(response, ValidationLoss(), false).title, StartsWith("mean over seeds,"));
  AddRun(0, 0, v1::RUN_OUTCOME_SUCCEEDED, 1, 1, &response);
  EXPECT_THAT(Curves(response, ValidationLoss(), false).title, StartsWith("mean over runs,"));
  response.mutable_arms_of_runs(0)->set_duplicates(6, true);
  EXPECT_THAT(Curves(response, ValidationLoss(), false).title, StartsWith("mean over seeds,"));
}

TEST(FiguresTest, TitlesRepeatThatDivergedRunsAreExcluded) {
  Response response = TwoArms();
  response.set_metric("validation_loss");
  EXPECT_THAT(Curves(response, ValidationLoss(), false).title, Not(HasSubstr("excluded")));
  response.set_diverged(v1::DIVERGED_RUNS_EXCLUDE);
  EXPECT_THAT(Curves(response, ValidationLoss(), false).title, HasSubstr("diverged runs excluded"));
  EXPECT_THAT(Compare(response).panels[0].title, HasSubstr("diverged runs excluded"));
}

TEST(FiguresTest, ArmsWithoutACurveKeepTheirLegend) {
  const Figure figure = Curves(OnlyDiverged(), ValidationLoss(), false);
  EXPECT_THAT(LabelsOf(figure.panels[0]), ElementsAre("a (n = 0, 2 diverged)"));
  const auto svg = Draw(figure, Format::kSvg, {});
  ASSERT_TRUE(svg.ok()) << svg.status();
  EXPECT_THAT(*svg, HasSubstr("a (n = 0, 2 diverged)"));
  EXPECT_THAT(*svg, HasSubstr("nothing recorded"));
}

TEST(FiguresTest, EveryFigureDrawsAnArmThatOnlyDiverged) {
  const Response response = OnlyDiverged();
  const Metric loss = EpochMetric("validation_loss");
  for (const Figure& figure :
       {Curves(response, {loss}, true), Thetas(response, {}),
        Youden(response, EpochMetric("train_loss"), loss, Pick::kFinal), Compare(response)}) {
    EXPECT_TRUE(Draw(figure, Format::kSvg, {}).ok()) << figure.title;
    EXPECT_TRUE(DrawInTerminal(figure, {}).ok()) << figure.title;
  }
}

TEST(FiguresTest, BandOnALogarithmicAxisStaysPositive) {
  const Figure figure = Curves(TwoArms(), ValidationLoss(), /*log_y=*/true);
  EXPECT_TRUE(figure.panels[0].log_y);
  EXPECT_DOUBLE_EQ(figure.panels[0].series[0].points[2].low, 0.25);
}

TEST(FiguresTest, ColourEncodesTheThetaPolicy) {
  Response response = TwoArms();
  EXPECT_THAT(StylesOf(response.arms()),
              ElementsAre(Style{.color = Color::kBlack}, Style{.color = Color::kVermilion}));
  // If all arms have the same policy, colours distinguish them.
  *response.mutable_arms(0) = response.arms(1);
  EXPECT_NE(StylesOf(response.arms())[0].color, StylesOf(response.arms())[1].color);
}

TEST(FiguresTest, YoudenDrawsRunsThatSucceededAndNamesTheOthers) {
  const Figure figure =
      Youden(TwoArms(), EpochMetric("train_loss"), EpochMetric("validation_loss"), Pick::kFinal);
  const Panel& panel = figure.panels[0];
  EXPECT_EQ(panel.title, "last epoch; not drawn: 1 diverged, 1 missing");
  EXPECT_TRUE(panel.identity);
  EXPECT_THAT(LabelsOf(panel), ElementsAre("a (n = 2, 1 diverged)", "b (n = 1)", "collapsed"));
  ASSERT_THAT(panel.series, SizeIs(4));
  EXPECT_THAT(panel.series[0].points, ElementsAre(Point{.x = 0.5, .y = 1}));
  EXPECT_THAT(panel.series[1].points, ElementsAre(Point{.x = 0.25, .y = 2}));
  EXPECT_EQ(panel.series[3].marker, Series::Marker::kCollapsed);
  EXPECT_EQ(panel.series[3].style.color, Color::kBlack);
  EXPECT_THAT(panel.series[3].points, ElementsAre(Point{.x = 2.25, .y = 2.5}));
}

TEST(FiguresTest, YoudenDrawsDuplicatesOnce) {
  Response response = TwoArms();
  AddRun(1, 0, v1::RUN_OUTCOME_SUCCEEDED, 0.25, 2, &response);
  response.mutable_arms_of_runs(0)->set_duplicates(5, true);
  const Figure figure =
      Youden(response, EpochMetric("train_loss"), EpochMetric("validation_loss"), Pick::kFinal);
  EXPECT_THAT(figure.panels[0].series[1].points, SizeIs(1));
}

TEST(FiguresTest, PicksNameTheMetricOfARun) {
  const Metric loss = EpochMetric("train_loss");
  EXPECT_EQ(PickedName(loss, Pick::kFinal), "train_loss");
  for (const Pick pick : {Pick::kFinal, Pick::kMin, Pick::kMax, Pick::kMean}) {
    EXPECT_TRUE(FindRunMetric("metric", PickedName(loss, pick)).ok()) << PickedName(loss, pick);
  }
  Response response = TwoArms();
  response.mutable_arms_of_runs(0)->mutable_values(0)->set_metric("mean.train_loss");
  response.mutable_arms_of_runs(0)->mutable_values(1)->set_metric("mean.validation_loss");
  const Figure figure = Youden(response, loss, EpochMetric("validation_loss"), Pick::kMean);
  EXPECT_THAT(figure.panels[0].title, StartsWith("mean over epochs"));
  EXPECT_THAT(figure.panels[0].series[0].points, ElementsAre(Point{.x = 0.5, .y = 1}));
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

TEST(FiguresTest, SharesOfAConfusionMatrixAreOfTheTrueClass) {
  Response response = TwoArms();
  for (const int count : {6, 2, 0, 8}) response.mutable_arms(0)->add_confusion(count);
  response.mutable_arms(0)->set_evaluated_images(8);
  const auto figure = Confusions(response, v1::TestResult::WEIGHTS_LAST);
  ASSERT_TRUE(figure.ok()) << figure.status();
  ASSERT_THAT(figure->panels, SizeIs(1));
  EXPECT_THAT(figure->title, HasSubstr("1 of 2 arms without"));
  EXPECT_EQ(figure->panels[0].title, "a (n = 2, 1 diverged)") << "16 images are 2 runs of 8";
  EXPECT_THAT(figure->panels[0].matrix, ElementsAre(ElementsAre(0.75, 0.25), ElementsAre(0, 1)));
  EXPECT_THAT(figure->panels[0].cells, ElementsAre(ElementsAre("6", "2"), ElementsAre("", "8")));
  EXPECT_EQ(Confusions(TwoArms(), v1::TestResult::WEIGHTS_BEST).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(FiguresTest, LandscapeWithoutDiagnosticsFailsWithTheRemedy) {
  Response response = TwoArms();
  // Every run records it.
  v1::Curve* norm = response.mutable_arms(0)->add_curves();
  *norm = CurveOf("layers.gradient_norm", {1, 2}, {2, 2});
  norm->set_layer(0);
  const auto figure = Landscape(response);
  EXPECT_EQ(figure.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(figure.status().message()), HasSubstr("diagnostics.activations=true"));
}

TEST(FiguresTest, LandscapeHasALinePerLayer) {
  Response response = TwoArms();
  for (const int layer : {0, 1}) {
    v1::Curve* gap = response.mutable_arms(0)->add_curves();
    *gap = CurveOf("layers.linear_gap", {1, 2}, {2, 2});
    gap->set_layer(layer);
    v1::Curve* norm = response.mutable_arms(0)->add_curves();
    *norm = CurveOf("layers.gradient_norm", {3, 4}, {2, 2});
    norm->set_layer(layer);
  }
  const auto figure = Landscape(response);
  ASSERT_TRUE(figure.ok()) << figure.status();
  ASSERT_THAT(figure->panels, SizeIs(2));
  EXPECT_EQ(figure->panels[0].title, "linear gap");
  EXPECT_THAT(LabelsOf(figure->panels[0]), ElementsAre("a, layer 0 (n = 2)", "a, layer 1 (n = 2)"));
  EXPECT_NE(figure->panels[0].series[0].style, figure->panels[0].series[1].style);
  EXPECT_EQ(figure->panels[1].title, "gradient norm");
}

TEST(FiguresTest, ManyThetasHaveBandsAndAHistogramALayer) {
  Response response = TwoArms();
  for (int i = 0; i < response.arms_size(); ++i) {
    v1::Arm* arm = response.mutable_arms(i);
    // The second arm has several thetas, which differ.
    const double half = i == 0 ? 0 : 0.25;
    *arm->add_curves() = CurveOf("theta_median", {0.25, 0.5}, {1, 1});
    *arm->add_curves() = CurveOf("theta_q05", {0.25 - half, 0.5 - half}, {1, 1});
    *arm->add_curves() = CurveOf("theta_q25", {0.25, 0.5}, {1, 1});
    *arm->add_curves() = CurveOf("theta_q75", {0.25, 0.5}, {1, 1});
    *arm->add_curves() = CurveOf("theta_q95", {0.25 + half, 0.5 + half}, {1, 1});
  }
  EXPECT_FALSE(HasManyThetas(response.arms(0)));
  EXPECT_TRUE(HasManyThetas(response.arms(1)));
  v1::ThetaVector theta;
  theta.set_epoch(2);
  for (const float value : {0.0F, 0.0F, 0.0F, 1.0F}) theta.add_values(value);
  const Figure figure = Thetas(response, {{.arm = "b", .seed = 7, .layers = {theta}}});
  ASSERT_THAT(figure.panels, SizeIs(2));
  const std::vector<Series>& series = figure.panels[0].series;
  ASSERT_THAT(series, SizeIs(4));  // two bands, two lines
  EXPECT_THAT(series[0].points, ElementsAre(Point{.x = 1, .y = 0, .low = 0, .high = 0.5},
                                            Point{.x = 2, .y = 0.25, .low = 0.25, .high = 0.75}));
  EXPECT_EQ(figure.panels[1].title, "b, seed 7: θ after epoch 2");
  const std::vector<Point>& steps = figure.panels[1].series[0].points;
  EXPECT_DOUBLE_EQ(steps.front().y, 0.75);
  EXPECT_DOUBLE_EQ(steps.back().y, 0.25);
}

Response ComparisonOfThree() {
  Response response;
  response.set_metric("validation_accuracy");
  response.set_baseline("x");
  for (const char* name : {"x", "y", "z"}) AddArm(name, v1::THETA_POLICY_SCHEDULED, &response);
  for (int i = 0; i < 2; ++i) {
    v1::Arm* arm = response.mutable_arms(i);
    arm->mutable_value()->set_count(4);
    arm->mutable_value()->set_mean(0.5 + 0.125 * i);
  }
  v1::Arm* y = response.mutable_arms(1);
  y->mutable_value_interval()->set_low(0.25);
  y->mutable_value_interval()->set_high(0.75);
  y->mutable_value_interval()->set_method(v1::Interval::METHOD_BCA);
  v1::Comparison* comparison = y->mutable_comparison();
  comparison->set_pairs(4);
  comparison->set_difference(0.125);
  comparison->set_difference_low(-0.5);
  comparison->set_difference_high(0.75);
  response.mutable_arms(2)->set_diverged(3);
  return response;
}

TEST(FiguresTest, IntervalsOfAComparisonComeFromTheServer) {
  const Figure figure = Compare(ComparisonOfThree());
  ASSERT_THAT(figure.panels, SizeIs(2));
  const Panel& values = figure.panels[0];
  EXPECT_EQ(values.title, "mean over seeds and 95 % interval (BCa bootstrap)");
  ASSERT_THAT(values.series, SizeIs(2));
  EXPECT_THAT(values.series[0].points,
              ElementsAre(Point{.x = 0.5, .y = 0, .low = 0.5, .high = 0.5}))
      << "a mean without an interval is a point";
  EXPECT_THAT(values.series[1].points,
              ElementsAre(Point{.x = 0.625, .y = 1, .low = 0.25, .high = 0.75}));
  EXPECT_THAT(figure.panels[1].series[0].points,
              ElementsAre(Point{.x = 0.125, .y = 0, .low = -0.5, .high = 0.75}));
  EXPECT_EQ(values.series[1].style.color, figure.panels[1].series[0].style.color);
}

TEST(FiguresTest, ArmsWithoutAValueOrADifferenceKeepTheirRows) {
  const Figure figure = Compare(ComparisonOfThree());
  EXPECT_THAT(figure.panels[0].categories,
              ElementsAre("x (n = 4)", "y (n = 4)", "z (n = 0, 3 diverged)"));
  EXPECT_THAT(figure.panels[1].categories, ElementsAre("y (4 pairs)", "z (not paired)"));
}

TEST(FiguresTest, OnePairIsAPointWithoutAnInterval) {
  Response response = ComparisonOfThree();
  v1::Comparison* comparison = response.mutable_arms(1)->mutable_comparison();
  comparison->set_pairs(1);
  comparison->clear_difference_low();
  comparison->clear_difference_high();
  const Panel differences = Compare(response).panels[1];
  EXPECT_EQ(differences.categories[0], "y (1 pair)");
  EXPECT_THAT(differences.series[0].points,
              ElementsAre(Point{.x = 0.125, .y = 0, .low = 0.125, .high = 0.125}));
}

TEST(GnuplotTest, ImagesHaveTheirFormatTitleAndLegend) {
  Figure figure = Curves(TwoArms(), ValidationLoss(), false);
  figure.title = "50 % \"quoted\" 'single' \\n θ $x `date`";
  const auto svg = Draw(figure, Format::kSvg, {});
  ASSERT_TRUE(svg.ok()) << svg.status();
  EXPECT_THAT(svg->substr(0, 100), StartsWith("<?xml"));
  EXPECT_NE(svg->find("a (n = 3…2, 1 diverged)"), std::string::npos);
  EXPECT_NE(svg->find("'single' \\n θ $x `date`"), std::string::npos);
  const auto png = Draw(figure, Format::kPng, {.width = 300, .height = 200});
  ASSERT_TRUE(png.ok()) << png.status();
  EXPECT_EQ(png->substr(1, 3), "PNG");
}

TEST(GnuplotTest, NonFiniteValuesAreOmitted) {
  Response response = TwoArms();
  response.mutable_arms(0)->mutable_curves(0)->set_means(1, std::nan(""));
  const Figure figure = Curves(response, ValidationLoss(), false);
  EXPECT_THAT(DataBlocks(figure.panels[0]), HasSubstr("2 NaN"));
  EXPECT_TRUE(Draw(figure, Format::kSvg, {}).ok());
  EXPECT_TRUE(DrawInTerminal(figure, {}).ok());
}

TEST(GnuplotTest, PanelsWithoutValuesAreMarkedEmpty) {
  Response response = TwoArms();
  for (v1::Arm& arm : *response.mutable_arms()) {
    arm.mutable_curves(0)->clear_diverged();
    for (double& mean : *arm.mutable_curves(0)->mutable_means()) mean = std::nan("");
    for (int32_t& count : *arm.mutable_curves(0)->mutable_counts()) count = 1;
  }
  const Figure figure = Curves(response, ValidationLoss(), false);
  const auto svg = Draw(figure, Format::kSvg, {});
  ASSERT_TRUE(svg.ok()) << svg.status();
  EXPECT_NE(svg->find("nothing recorded"), std::string::npos);
  EXPECT_TRUE(DrawInTerminal(figure, {}).ok());
}

TEST(GnuplotTest, MarkersOfRunsDiffer) {
  const std::string script = Script(Curves(TwoArms(), ValidationLoss(), false), Format::kSvg, {});
  EXPECT_THAT(script, HasSubstr("points pt 2 "));
  const std::string youden = Script(
      Youden(TwoArms(), EpochMetric("train_loss"), EpochMetric("validation_loss"), Pick::kFinal),
      Format::kSvg, {});
  EXPECT_THAT(youden, HasSubstr("points pt 10 "));
  EXPECT_THAT(youden, HasSubstr("points pt 7 "));
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

TEST(TerminalTest, LegendsShowTheMarkersOfRuns) {
  const auto curves = DrawInTerminal(Curves(TwoArms(), ValidationLoss(), false), {});
  ASSERT_TRUE(curves.ok()) << curves.status();
  EXPECT_THAT(*curves, HasSubstr("× diverged"));
  const auto youden = DrawInTerminal(
      Youden(TwoArms(), EpochMetric("train_loss"), EpochMetric("validation_loss"), Pick::kFinal),
      {});
  ASSERT_TRUE(youden.ok()) << youden.status();
  EXPECT_THAT(*youden, HasSubstr("▽ collapsed"));
  EXPECT_THAT(*youden, HasSubstr("● b (n = 1)"));
}

}  // namespace
}  // namespace anneal::client::plot
