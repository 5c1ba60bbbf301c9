#include "client/plot/figures.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "absl/strings/str_cat.h"
#include "client/plot/series.h"
#include "common/config/learning_rate.h"
#include "common/config/theta_schedule.h"
#include "common/metric.h"
#include "common/stats/statistics.h"
#include "common/status.h"

namespace anneal::client::plot {
namespace {

using Kind = Series::Kind;

Panel CurvePanel(const std::vector<ArmData>& arms, const std::vector<Style>& styles,
                 const Metric& metric, bool log_y) {
  Panel panel = {.title = MetricWords(metric.name),
                 .x_label = "epoch",
                 .y_label = LabelWithUnit(metric),
                 .log_y = log_y};
  const EpochValue value = [&metric](const v1::Epoch& epoch) { return ValueAt(metric, epoch); };
  std::vector<Series> lines;
  for (size_t i = 0; i < arms.size(); ++i) {
    const std::vector<Point> line = MeanLine(arms[i], value);
    std::vector<Point> band = DeviationBand(arms[i], value);
    if (log_y) KeepPositive(line, &band);
    if (!band.empty()) {
      panel.series.push_back({.kind = Kind::kBand, .style = styles[i], .points = band});
    }
    lines.push_back({.label = RunCount(arms[i]), .style = styles[i], .points = line});
  }
  // Draws lines over the bands.
  panel.series.insert(panel.series.end(), lines.begin(), lines.end());
  return panel;
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

Panel HistogramPanel(const ArmData& arm, const std::vector<v1::ThetaVector>& thetas) {
  Panel panel = {.title = absl::StrCat(arm.name, ", seed ", arm.runs[0].run.seed(),
                                       ": θ after epoch ", thetas[0].epoch()),
                 .x_label = ThetaLabel(),
                 .y_label = "share of the layer's thetas"};
  float low = thetas[0].values(0);
  float high = low;
  for (const v1::ThetaVector& theta : thetas) {
    for (const float value : theta.values()) {
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
  if (low == high) high = low + 1e-3F;
  for (size_t i = 0; i < thetas.size(); ++i) {
    panel.series.push_back(
        {.label = absl::StrCat("layer ", thetas[i].layer()),
         .style = {.color = static_cast<Color>(i % kColors),
                   .variant = static_cast<int>(i) / kColors},
         .points = Histogram(thetas[i], static_cast<double>(low), static_cast<double>(high))});
  }
  return panel;
}

double Picked(const Metric& metric, const std::vector<v1::Epoch>& epochs, Pick pick) {
  std::vector<double> values;
  for (const v1::Epoch& epoch : epochs) values.push_back(ValueAt(metric, epoch));
  // A diverged run has no minimum, maximum or mean.
  for (const double value : values) {
    if (!std::isfinite(value) && pick != Pick::kFinal) return std::nan("");
  }
  switch (pick) {
    case Pick::kMin:
      return *std::min_element(values.begin(), values.end());
    case Pick::kMax:
      return *std::max_element(values.begin(), values.end());
    case Pick::kMean:
      return stats::Mean(values);
    case Pick::kFinal:
      break;
  }
  return values.back();
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

}  // namespace

Figure Curves(const std::vector<ArmData>& arms, const std::vector<Metric>& metrics, bool log_y) {
  Figure figure = {.title = "mean over seeds, ± 1 standard deviation",
                   .columns = metrics.size() == 1 ? 1 : 2};
  const std::vector<Style> styles = StylesOf(arms);
  for (const Metric& metric : metrics) {
    figure.panels.push_back(CurvePanel(arms, styles, metric, log_y));
  }
  return figure;
}

Figure Thetas(const std::vector<ArmData>& arms,
              const std::vector<std::vector<v1::ThetaVector>>& thetas) {
  Panel panel = {.title = "θ by epoch", .x_label = "epoch", .y_label = ThetaLabel()};
  const std::vector<Style> styles = StylesOf(arms);
  std::vector<Series> lines;
  bool many = false;
  for (size_t i = 0; i < arms.size(); ++i) {
    const auto quantile = [&](double (v1::ThetaSummary::*of)() const) {
      return MeanLine(arms[i], [of](const v1::Epoch& epoch) { return (epoch.theta().*of)(); });
    };
    const auto band = [&](double (v1::ThetaSummary::*low)() const,
                          double (v1::ThetaSummary::*high)() const) {
      std::vector<Point> points = quantile(low);
      const std::vector<Point> above = quantile(high);
      for (size_t p = 0; p < points.size(); ++p) {
        points[p].low = points[p].y;
        points[p].high = above[p].y;
      }
      panel.series.push_back({.kind = Kind::kBand, .style = styles[i], .points = points});
    };
    const std::vector<v1::Epoch>& epochs = arms[i].runs[0].epochs;
    if (!epochs.empty() && epochs[0].theta().count() > 1) {
      many = true;
      band(&v1::ThetaSummary::q05, &v1::ThetaSummary::q95);
      band(&v1::ThetaSummary::q25, &v1::ThetaSummary::q75);
    }
    lines.push_back({.label = RunCount(arms[i]),
                     .style = styles[i],
                     .points = quantile(&v1::ThetaSummary::median)});
  }
  panel.series.insert(panel.series.end(), lines.begin(), lines.end());
  Figure figure = {.title = many ? "median θ, with the central 50 % and 90 %" : "θ",
                   .panels = {panel}};
  for (size_t i = 0; i < arms.size(); ++i) {
    if (!thetas[i].empty()) figure.panels.push_back(HistogramPanel(arms[i], thetas[i]));
  }
  if (figure.panels.size() > 1) figure.columns = 2;
  return figure;
}

Figure Youden(const std::vector<ArmData>& arms, const Metric& x, const Metric& y, Pick pick) {
  Panel panel = {.title = absl::StrCat("one point per run: ", NameOf(pick)),
                 .x_label = LabelWithUnit(x),
                 .y_label = LabelWithUnit(y),
                 .identity = SameUnit(x, y)};
  const std::vector<Style> styles = StylesOf(arms);
  for (size_t i = 0; i < arms.size(); ++i) {
    Series series = {.kind = Kind::kPoints, .label = RunCount(arms[i]), .style = styles[i]};
    for (const RunData& run : arms[i].runs) {
      if (run.epochs.empty()) continue;
      series.points.push_back({.x = Picked(x, run.epochs, pick), .y = Picked(y, run.epochs, pick)});
    }
    panel.series.push_back(std::move(series));
  }
  return {.title = "Youden plot", .panels = {panel}};
}

Figure Compare(const v1::CompareExperimentsResponse& response, const std::vector<ArmData>& arms) {
  Panel values = {.title = "mean and 95 % bootstrap interval",
                  .x_label = MetricWords(response.metric())};
  Panel differences = {
      .title = absl::StrCat("differences to ", response.baseline(), ", 95 % intervals"),
      .x_label = absl::StrCat("difference of ", MetricWords(response.metric())),
      .zero_line = true};
  const std::vector<Style> styles = StylesOf(arms);
  std::map<std::string, Color> colors;
  for (size_t i = 0; i < arms.size(); ++i) colors[arms[i].name] = styles[i].color;
  for (const v1::Arm& arm : response.arms()) {
    if (!colors.contains(arm.name())) continue;
    const auto row = static_cast<double>(values.categories.size());
    values.categories.push_back(arm.name());
    if (!arm.has_value_interval()) continue;
    values.series.push_back({.kind = Kind::kIntervals,
                             .style = {.color = colors[arm.name()]},
                             .points = {{.x = arm.value().mean(),
                                         .y = row,
                                         .low = arm.value_interval().low(),
                                         .high = arm.value_interval().high()}}});
  }
  for (const v1::Arm& arm : response.arms()) {
    if (!arm.has_comparison()) continue;
    const v1::Comparison& found = arm.comparison();
    differences.series.push_back(
        {.kind = Kind::kIntervals,
         .style = {.color = colors[arm.name()]},
         .points = {{.x = found.difference(),
                     .y = static_cast<double>(differences.categories.size()),
                     .low = found.difference_low(),
                     .high = found.difference_high()}}});
    differences.categories.push_back(arm.name());
  }
  Figure figure = {.title = MetricWords(response.metric()), .columns = 1, .panels = {values}};
  if (!differences.series.empty()) {
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

absl::StatusOr<Figure> Confusions(const std::vector<ArmData>& arms,
                                  v1::TestResult::Weights weights) {
  const bool last = weights == v1::TestResult::WEIGHTS_LAST;
  Figure figure = {.title = absl::StrCat("share of each true class, test images, ",
                                         last ? "last" : "best", " weights"),
                   .columns = arms.size() == 1 ? 1 : 2};
  for (const ArmData& arm : arms) {
    std::vector<int64_t> sums;
    for (const RunData& run : arm.runs) {
      for (const v1::TestResult& result : run.run.test_results()) {
        if (result.weights() != weights) continue;
        sums.resize(static_cast<size_t>(result.confusion_size()));
        for (size_t i = 0; i < sums.size(); ++i) sums[i] += result.confusion(static_cast<int>(i));
      }
    }
    if (sums.empty()) continue;
    const auto classes =
        static_cast<size_t>(std::lround(std::sqrt(static_cast<double>(sums.size()))));
    Panel panel = {.title = RunCount(arm), .x_label = "predicted class", .y_label = "true class"};
    for (size_t row = 0; row < classes; ++row) {
      int64_t total = 0;
      for (size_t c = 0; c < classes; ++c) total += sums[row * classes + c];
      std::vector<double>& shares = panel.matrix.emplace_back();
      std::vector<std::string>& cells = panel.cells.emplace_back();
      for (size_t c = 0; c < classes; ++c) {
        const int64_t count = sums[row * classes + c];
        shares.push_back(total == 0 ? 0 : static_cast<double>(count) / static_cast<double>(total));
        cells.push_back(count == 0 ? "" : absl::StrCat(count));
      }
    }
    figure.panels.push_back(std::move(panel));
  }
  if (!figure.panels.empty()) return figure;
  return absl::FailedPreconditionError(absl::StrCat("none of the runs has a test result with its ",
                                                    last ? "last" : "best",
                                                    " weights; only succeeded runs do"));
}

}  // namespace anneal::client::plot
