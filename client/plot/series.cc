#include "client/plot/series.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "absl/strings/str_cat.h"
#include "common/stats/statistics.h"

namespace anneal::client::plot {

Color ColorOf(const v1::ThetaConfig& theta) {
  if (theta.policy() == v1::THETA_POLICY_SCHEDULED) return Color::kVermilion;
  if (theta.policy() != v1::THETA_POLICY_TRAINABLE) return Color::kBlack;
  switch (theta.granularity()) {
    case v1::THETA_GRANULARITY_LAYER:
      return Color::kSkyBlue;
    case v1::THETA_GRANULARITY_CHANNEL:
      return Color::kPurple;
    case v1::THETA_GRANULARITY_NEURON:
      return Color::kGreen;
    default:  // NETWORK
      static_assert(v1::ThetaGranularity_ARRAYSIZE == 5, "choose the new granularity's colour");
      return Color::kBlue;
  }
}

std::vector<Style> StylesOf(const std::vector<Color>& wanted) {
  std::map<Color, int> counts;
  for (const Color color : wanted) ++counts[color];
  const bool crowded = std::any_of(counts.begin(), counts.end(),
                                   [](const auto& count) { return count.second > kVariants; });
  const bool all_same = counts.size() == 1 && wanted.size() > 1;
  std::map<Color, int> used;
  std::vector<Style> styles;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (crowded || all_same) {
      const auto index = static_cast<int>(i);
      styles.push_back({.color = static_cast<Color>(index % kColors), .variant = index / kColors});
    } else {
      styles.push_back({.color = wanted[i], .variant = used[wanted[i]]++});
    }
  }
  return styles;
}

std::string ThetaLabel() { return LabelWithUnit(RunMetric("theta_median")); }

double ValueAt(const Metric& metric, const v1::Epoch& epoch) {
  return ValueOf(metric, epoch).value_or(std::nan(""));
}

std::vector<double> ValuesAt(const ArmData& arm, size_t epoch, const EpochValue& value) {
  std::vector<double> values;
  for (const RunData& run : arm.runs) values.push_back(value(run.epochs[epoch]));
  return values;
}

size_t SharedEpochs(const ArmData& arm) {
  size_t shared = arm.runs[0].epochs.size();
  for (const RunData& run : arm.runs) shared = std::min(shared, run.epochs.size());
  return shared;
}

std::vector<Point> MeanLine(const ArmData& arm, const EpochValue& value) {
  std::vector<Point> points;
  for (size_t epoch = 0; epoch < SharedEpochs(arm); ++epoch) {
    points.push_back({.x = static_cast<double>(arm.runs[0].epochs[epoch].epoch()),
                      .y = stats::Mean(ValuesAt(arm, epoch, value))});
  }
  return points;
}

std::vector<Point> DeviationBand(const ArmData& arm, const EpochValue& value) {
  std::vector<Point> points;
  if (arm.runs.size() < 2) return points;
  for (size_t epoch = 0; epoch < SharedEpochs(arm); ++epoch) {
    const std::vector<double> values = ValuesAt(arm, epoch, value);
    const double mean = stats::Mean(values);
    const double deviation = stats::StandardDeviation(values);
    points.push_back({.x = static_cast<double>(arm.runs[0].epochs[epoch].epoch()),
                      .y = mean,
                      .low = mean - deviation,
                      .high = mean + deviation});
  }
  return points;
}

void KeepPositive(const std::vector<Point>& line, std::vector<Point>* band) {
  double least = std::numeric_limits<double>::infinity();
  for (const Point& point : line) {
    if (point.y > 0) least = std::min(least, point.y);
  }
  for (Point& point : *band) {
    if (point.low <= 0) point.low = std::min(least, point.high);
  }
}

std::string RunCount(const ArmData& arm) {
  return absl::StrCat(arm.name, " (", arm.runs.size(), arm.runs.size() == 1 ? " run)" : " runs)");
}

std::vector<Style> StylesOf(const std::vector<ArmData>& arms) {
  std::vector<Color> wanted;
  for (const ArmData& arm : arms) wanted.push_back(ColorOf(arm.runs[0].run.config().theta()));
  return StylesOf(wanted);
}

}  // namespace anneal::client::plot
