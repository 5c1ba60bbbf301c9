#include "client/plot/figures.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/named_runs.h"
#include "client/plot/series.h"
#include "common/config/learning_rate.h"
#include "common/config/theta_schedule.h"
#include "common/status.h"

namespace anneal::client::plot {
namespace {

using Kind = Series::Kind;
using Marker = Series::Marker;
using Response = v1::CompareExperimentsResponse;

Panel CurvePanel(const Response& comparison, const std::vector<Style>& styles, const Metric& metric,
                 bool log_y) {
  Layers layers;
  for (int i = 0; i < comparison.arms_size(); ++i) {
    const v1::Arm& arm = comparison.arms(i);
    const Style style = styles[static_cast<size_t>(i)];
    const v1::Curve* curve = FindCurve(arm, metric.name);
    layers.AddCurve(ArmLabel(arm, SampleSize(curve)), style, curve);
    if (curve == nullptr) continue;
    std::vector<Point> band = DeviationBand(*curve);
    if (log_y) KeepPositive(MeanLine(*curve), &band);
    layers.AddBand(style, std::move(band));
  }
  return {.title = MetricWords(metric.name),
          .x_label = "epoch",
          .y_label = LabelWithUnit(metric),
          .log_y = log_y,
          .series = std::move(layers).Take()};
}

// Returns the share of thetas in each of equal subintervals of their range.
std::vector<Point> Histogram(const v1::ThetaVector& theta, double low, double high) {
  constexpr size_t kBins = 40;
  std::vector<int> counts(kBins);
  for (const float value : theta.values()) {
    const double share = (static_cast<double>(value) - low) / (high - low);
    const auto bin = static_cast<size_t>(std::clamp(share, 0.0, 1.0) * kBins);
    ++counts[std::min(bin, kBins - 1)];
  }
  std::vector<Point> points;
  for (size_t bin = 0; bin < kBins; ++bin) {
    const double share = static_cast<double>(counts[bin]) / theta.values_size();
    const double width = (high - low) / kBins;
    points.push_back({.x = low + static_cast<double>(bin) * width, .y = share});
    points.push_back({.x = low + static_cast<double>(bin + 1) * width, .y = share});
  }
  return points;
}

Panel HistogramPanel(const LastThetas& last) {
  Panel panel = {.title = absl::StrCat(last.arm, ", seed ", last.seed, ": θ after epoch ",
                                       last.layers[0].epoch()),
                 .x_label = ThetaLabel(),
                 .y_label = "share of the layer's thetas"};
  std::vector<float> values;
  for (const v1::ThetaVector& theta : last.layers) {
    values.insert(values.end(), theta.values().begin(), theta.values().end());
  }
  if (values.empty()) return panel;
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  const auto low = static_cast<double>(*least);
  const double high = *least == *most ? low + 1e-3 : static_cast<double>(*most);
  for (size_t i = 0; i < last.layers.size(); ++i) {
    panel.series.push_back({.label = absl::StrCat("layer ", last.layers[i].layer()),
                            .style = {.color = static_cast<Color>(i % kColors),
                                      .variant = static_cast<int>(i) / kColors},
                            .points = Histogram(last.layers[i], low, high)});
  }
  return panel;
}

// The area between the means of two curves of the same runs.
std::vector<Point> BandBetween(const v1::Curve& below, const v1::Curve& above) {
  std::vector<Point> points = MeanLine(below);
  const std::vector<Point> high = MeanLine(above);
  points.resize(std::min(points.size(), high.size()));
  for (size_t i = 0; i < points.size(); ++i) {
    points[i].low = points[i].y;
    points[i].high = high[i].y;
  }
  return points;
}

void AddQuantileBand(const v1::Arm& arm, Style style, const char* below, const char* above,
                     Layers* layers) {
  const v1::Curve* low = FindCurve(arm, below);
  const v1::Curve* high = FindCurve(arm, above);
  if (low != nullptr && high != nullptr) layers->AddBand(style, BandBetween(*low, *high));
}

const char* NameOf(Pick pick) {
  switch (pick) {
    case Pick::kMin:
      return "minimum over epochs";
    case Pick::kMax:
      return "maximum over epochs";
    case Pick::kMean:
      return "mean over epochs";
    case Pick::kFinal:
      break;
  }
  return "last epoch";
}

// Returns `; not drawn: 2 diverged, 1 missing`, or nothing.
std::string NotDrawn(const std::vector<ComparedRun>& runs) {
  std::map<v1::RunOutcome, int> counts;
  for (const ComparedRun& run : runs) {
    if (!run.is_duplicate) ++counts[run.outcome];
  }
  std::vector<std::string> parts;
  if (const int diverged = counts[v1::RUN_OUTCOME_DIVERGED]; diverged > 0) {
    parts.push_back(absl::StrCat(diverged, " diverged"));
  }
  if (const int missing = counts[v1::RUN_OUTCOME_MISSING]; missing > 0) {
    parts.push_back(absl::StrCat(missing, " missing"));
  }
  return parts.empty() ? "" : absl::StrCat("; not drawn: ", absl::StrJoin(parts, ", "));
}

// The points of one arm's runs.
struct RunPoints {
  std::vector<Point> succeeded;
  std::vector<Point> collapsed;
};

std::vector<RunPoints> PointsByArm(const Response& comparison, const std::vector<ComparedRun>& runs,
                                   const std::string& x, const std::string& y) {
  std::vector<RunPoints> points(static_cast<size_t>(comparison.arms_size()));
  for (const ComparedRun& run : runs) {
    if (!run.succeeded() || run.is_duplicate) continue;
    const Point point = {.x = run.ValueOf(x), .y = run.ValueOf(y)};
    if (!std::isfinite(point.x) || !std::isfinite(point.y)) continue;
    RunPoints& of_arm = points[static_cast<size_t>(run.arm)];
    const bool collapsed = run.outcome == v1::RUN_OUTCOME_COLLAPSED;
    (collapsed ? of_arm.collapsed : of_arm.succeeded).push_back(point);
  }
  return points;
}

// Returns `mean and 95 % interval (Student's t)`, with the methods that the intervals are of.
std::string IntervalTitle(const Response& comparison) {
  std::map<v1::Interval::Method, bool> used;
  for (const v1::Arm& arm : comparison.arms()) {
    if (arm.has_value_interval()) used[arm.value_interval().method()] = true;
  }
  std::vector<std::string> methods;
  if (used[v1::Interval::METHOD_T]) methods.emplace_back("Student's t");
  if (used[v1::Interval::METHOD_BCA]) methods.emplace_back("BCa bootstrap");
  if (methods.empty()) return "mean over seeds";
  return absl::StrCat("mean over seeds and 95 % interval (", absl::StrJoin(methods, ", "), ")");
}

// An interval without ends is a point.
Series IntervalSeries(Style style, size_t row, double middle, double low, double high) {
  return {.kind = Kind::kIntervals,
          .style = {.color = style.color},
          .points = {{.x = middle, .y = static_cast<double>(row), .low = low, .high = high}}};
}

Panel ValuePanel(const Response& comparison, const std::vector<Style>& styles) {
  Panel panel = {.title = absl::StrCat(IntervalTitle(comparison), ExclusionNote(comparison)),
                 .x_label = MetricWords(comparison.metric())};
  for (const v1::Arm& arm : comparison.arms()) {
    const size_t row = panel.categories.size();
    panel.categories.push_back(ArmLabel(arm, absl::StrCat("n = ", arm.value().count())));
    if (arm.value().count() == 0) continue;
    const double mean = arm.value().mean();
    const bool has_interval = arm.has_value_interval();
    panel.series.push_back(IntervalSeries(styles[row], row, mean,
                                          has_interval ? arm.value_interval().low() : mean,
                                          has_interval ? arm.value_interval().high() : mean));
  }
  return panel;
}

// The panel has no rows if there are no other arms than the baseline.
Panel DifferencePanel(const Response& comparison, const std::vector<Style>& styles) {
  Panel panel = {.title = "paired difference and 95 % interval",
                 .x_label = absl::StrCat("difference to ", comparison.baseline()),
                 .zero_line = true};
  for (int i = 0; i < comparison.arms_size(); ++i) {
    const v1::Arm& arm = comparison.arms(i);
    if (arm.name() == comparison.baseline()) continue;
    const size_t row = panel.categories.size();
    const v1::Comparison& found = arm.comparison();
    const int pairs = found.pairs() - found.left_out();
    panel.categories.push_back(
        arm.has_comparison()
            ? absl::StrCat(arm.name(), " (", pairs, pairs == 1 ? " pair)" : " pairs)")
            : absl::StrCat(arm.name(), " (not paired)"));
    if (!found.has_difference()) continue;
    const bool has_interval = found.has_difference_low() && found.has_difference_high();
    panel.series.push_back(
        IntervalSeries(styles[static_cast<size_t>(i)], row, found.difference(),
                       has_interval ? found.difference_low() : found.difference(),
                       has_interval ? found.difference_high() : found.difference()));
  }
  return panel;
}

// Returns the number of the arm's runs that its confusion matrix sums: each has as many images.
std::string SummedRuns(const v1::Arm& arm) {
  int64_t images = 0;
  for (const int64_t count : arm.confusion()) images += count;
  const int64_t each = arm.evaluated_images();
  if (each == 0 || images % each != 0) return absl::StrCat(images, " images");
  return absl::StrCat("n = ", images / each);
}

Panel ConfusionPanel(const v1::Arm& arm) {
  const auto classes = static_cast<int>(std::lround(std::sqrt(arm.confusion_size())));
  Panel panel = {.title = ArmLabel(arm, SummedRuns(arm)),
                 .x_label = "predicted class",
                 .y_label = "true class"};
  for (int row = 0; row < classes; ++row) {
    const auto begin = arm.confusion().begin() + row * classes;
    int64_t total = 0;
    std::for_each(begin, begin + classes, [&total](int64_t count) { total += count; });
    std::vector<double>& shares = panel.matrix.emplace_back();
    std::vector<std::string>& cells = panel.cells.emplace_back();
    std::for_each(begin, begin + classes, [&](int64_t count) {
      shares.push_back(total == 0 ? 0 : static_cast<double>(count) / static_cast<double>(total));
      cells.push_back(count == 0 ? "" : absl::StrCat(count));
    });
  }
  return panel;
}

// True for a matrix with as many rows as columns.
bool HasMatrix(const v1::Arm& arm) {
  const auto classes = static_cast<int>(std::lround(std::sqrt(arm.confusion_size())));
  return classes > 0 && classes * classes == arm.confusion_size();
}

}  // namespace

Figure Curves(const Response& comparison, const std::vector<Metric>& metrics, bool log_y) {
  Figure figure = {.title = absl::StrCat("mean over ", AveragedOver(comparison),
                                         ", ± 1 standard deviation", ExclusionNote(comparison)),
                   .columns = metrics.size() == 1 ? 1 : 2};
  const std::vector<Style> styles = StylesOf(comparison.arms());
  for (const Metric& metric : metrics) {
    figure.panels.push_back(CurvePanel(comparison, styles, metric, log_y));
  }
  return figure;
}

std::vector<std::string> ThetaCurves() {
  return {"theta_median", "theta_q05", "theta_q25", "theta_q75", "theta_q95"};
}

bool HasManyThetas(const v1::Arm& arm) {
  const v1::Curve* low = FindCurve(arm, "theta_q05");
  const v1::Curve* high = FindCurve(arm, "theta_q95");
  return low != nullptr && high != nullptr &&
         !std::equal(low->means().begin(), low->means().end(), high->means().begin(),
                     high->means().end());
}

Figure Thetas(const Response& comparison, const std::vector<LastThetas>& last) {
  const std::vector<Style> styles = StylesOf(comparison.arms());
  Layers layers;
  bool many = false;
  for (int i = 0; i < comparison.arms_size(); ++i) {
    const v1::Arm& arm = comparison.arms(i);
    const Style style = styles[static_cast<size_t>(i)];
    const v1::Curve* median = FindCurve(arm, "theta_median");
    layers.AddCurve(ArmLabel(arm, SampleSize(median)), style, median);
    if (!HasManyThetas(arm)) continue;
    many = true;
    AddQuantileBand(arm, style, "theta_q05", "theta_q95", &layers);
    AddQuantileBand(arm, style, "theta_q25", "theta_q75", &layers);
  }
  const std::string title = many ? "median θ, with the central 50 % and 90 %" : "θ";
  Figure figure = {.title = absl::StrCat(title, ", mean over ", AveragedOver(comparison),
                                         ExclusionNote(comparison)),
                   .panels = {{.title = "θ by epoch",
                               .x_label = "epoch",
                               .y_label = ThetaLabel(),
                               .series = std::move(layers).Take()}}};
  for (const LastThetas& thetas : last) {
    if (!thetas.layers.empty()) figure.panels.push_back(HistogramPanel(thetas));
  }
  if (figure.panels.size() > 1) figure.columns = 2;
  return figure;
}

std::string PickedName(const Metric& metric, Pick pick) {
  switch (pick) {
    case Pick::kMin:
      return absl::StrCat("min.", metric.name);
    case Pick::kMax:
      return absl::StrCat("max.", metric.name);
    case Pick::kMean:
      return absl::StrCat("mean.", metric.name);
    case Pick::kFinal:
      break;
  }
  return metric.name;
}

Figure Youden(const Response& comparison, const Metric& x, const Metric& y, Pick pick) {
  const std::vector<ComparedRun> runs = ComparedRuns(comparison);
  const std::vector<RunPoints> points =
      PointsByArm(comparison, runs, PickedName(x, pick), PickedName(y, pick));
  Panel panel = {.title = absl::StrCat(NameOf(pick), NotDrawn(runs)),
                 .x_label = LabelWithUnit(x),
                 .y_label = LabelWithUnit(y),
                 .identity = SameUnit(x, y)};
  const std::vector<Style> styles = StylesOf(comparison.arms());
  std::vector<Series> collapsed;
  for (size_t i = 0; i < points.size(); ++i) {
    const size_t drawn = points[i].succeeded.size() + points[i].collapsed.size();
    panel.series.push_back(
        {.kind = Kind::kPoints,
         .label = ArmLabel(comparison.arms(static_cast<int>(i)), absl::StrCat("n = ", drawn)),
         .style = styles[i],
         .points = points[i].succeeded});
    if (points[i].collapsed.empty()) continue;
    collapsed.push_back({.kind = Kind::kPoints,
                         .marker = Marker::kCollapsed,
                         .style = styles[i],
                         .points = points[i].collapsed});
  }
  if (!collapsed.empty()) panel.series.push_back(MarkerLegend(Marker::kCollapsed, "collapsed"));
  std::move(collapsed.begin(), collapsed.end(), std::back_inserter(panel.series));
  return {.title = "Youden plot, one point per run", .panels = {panel}};
}

Figure Compare(const Response& comparison) {
  const std::vector<Style> styles = StylesOf(comparison.arms());
  const Panel differences = DifferencePanel(comparison, styles);
  Figure figure = {.title = MetricWords(comparison.metric()),
                   .panels = {ValuePanel(comparison, styles)}};
  if (!comparison.within().empty()) {
    absl::StrAppend(&figure.title, ", paired within ", absl::StrJoin(comparison.within(), ", "));
  }
  if (!differences.categories.empty()) {
    figure.panels.push_back(differences);
    figure.columns = 2;
  }
  return figure;
}

Figure Schedules(const std::vector<Schedule>& schedules) {
  Panel theta = {.title = "θ", .x_label = "epoch", .y_label = ThetaLabel()};
  Panel rate = {.title = "learning rate", .x_label = "epoch", .y_label = "learning rate"};
  std::vector<Color> colors;
  for (const Schedule& schedule : schedules) colors.push_back(ColorOf(schedule.config.theta()));
  const std::vector<Style> styles = StylesOf(colors);
  for (size_t i = 0; i < schedules.size(); ++i) {
    const v1::TrainingConfig& config = schedules[i].config;
    const config::RunLength length = {.epochs = config.epochs(),
                                      .steps_per_epoch = schedules[i].steps_per_epoch};
    const config::ThetaSchedule of_theta(config.theta(), length);
    const bool trained = config.theta().policy() == v1::THETA_POLICY_TRAINABLE;
    Series thetas = {.label = absl::StrCat(schedules[i].name, trained ? " (start)" : ""),
                     .style = styles[i]};
    Series rates = {.label = schedules[i].name, .style = styles[i]};
    for (int64_t epoch = 0; epoch < length.epochs; ++epoch) {
      const int64_t step = epoch * length.steps_per_epoch;
      const auto x = static_cast<double>(epoch + 1);
      thetas.points.push_back({.x = x, .y = of_theta.Value(epoch, step)});
      rates.points.push_back(
          {.x = x,
           .y = config.optimizer().learning_rate() *
                config::LearningRateFactor(config.optimizer(), length, epoch, step)});
    }
    theta.series.push_back(std::move(thetas));
    rate.series.push_back(std::move(rates));
  }
  return {.title = "schedules", .columns = 2, .panels = {theta, rate}};
}

absl::StatusOr<Figure> Confusions(const Response& comparison, v1::TestResult::Weights weights) {
  const char* const of = weights == v1::TestResult::WEIGHTS_LAST ? "last" : "best";
  Figure figure = {.title = absl::StrCat("confusion on test images, ", of, " weights")};
  for (const v1::Arm& arm : comparison.arms()) {
    if (HasMatrix(arm)) figure.panels.push_back(ConfusionPanel(arm));
  }
  if (figure.panels.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("none of the runs has a test result with its ", of,
                     " weights; only runs that succeeded do, unless their config sets "
                     "evaluation.test=false"));
  }
  const auto without = static_cast<size_t>(comparison.arms_size()) - figure.panels.size();
  if (without > 0) {
    absl::StrAppend(&figure.title, "; ", without, " of ", comparison.arms_size(), " arms without");
  }
  figure.columns = figure.panels.size() == 1 ? 1 : 2;
  return figure;
}

}  // namespace anneal::client::plot
