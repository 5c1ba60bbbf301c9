#include "client/plot/series.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/named_runs.h"
#include "common/metric.h"

namespace anneal::client::plot {
namespace {

// The points of a curve that all of its lists have.
int Length(const v1::Curve& curve) {
  return std::min({curve.epochs_size(), curve.counts_size(), curve.means_size(), curve.lows_size(),
                   curve.highs_size()});
}

}  // namespace

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

std::string AveragedOver(const v1::CompareExperimentsResponse& comparison) {
  const bool excludes = comparison.diverged() == v1::DIVERGED_RUNS_EXCLUDE;
  std::set<std::pair<int, int64_t>> seen;
  for (const ComparedRun& run : ComparedRuns(comparison)) {
    const bool counts = run.succeeded() || (run.outcome == v1::RUN_OUTCOME_DIVERGED && !excludes);
    if (!counts || run.is_duplicate) continue;
    if (!seen.emplace(run.arm, run.seed).second) return "runs";
  }
  return "seeds";
}

std::string ExclusionNote(const v1::CompareExperimentsResponse& comparison) {
  return comparison.diverged() == v1::DIVERGED_RUNS_EXCLUDE ? "; diverged runs excluded" : "";
}

const v1::Curve* FindCurve(const v1::Arm& arm, absl::string_view metric, int layer) {
  for (const v1::Curve& curve : arm.curves()) {
    if (curve.metric() == metric && curve.layer() == layer) return &curve;
  }
  return nullptr;
}

std::string SampleSize(const v1::Curve* curve) {
  if (curve == nullptr || curve->counts().empty()) return "n = 0";
  const auto [least, most] = std::minmax_element(curve->counts().begin(), curve->counts().end());
  return absl::StrCat("n = ", *most, *least == *most ? "" : absl::StrCat("…", *least));
}

std::string ArmLabel(const v1::Arm& arm, absl::string_view sample_size) {
  const std::string diverged =
      arm.diverged() > 0 ? absl::StrCat(", ", arm.diverged(), " diverged") : "";
  // Curves show missing runs as far as they got.
  const std::string missing =
      arm.missing() > 0 ? absl::StrCat(", ", arm.missing(), " missing") : "";
  return absl::StrCat(arm.name(), " (", sample_size, diverged, missing, ")");
}

std::vector<Point> MeanLine(const v1::Curve& curve) {
  std::vector<Point> points;
  for (int i = 0; i < Length(curve); ++i) {
    points.push_back({.x = static_cast<double>(curve.epochs(i)), .y = curve.means(i)});
  }
  return points;
}

std::vector<Point> DeviationBand(const v1::Curve& curve) {
  std::vector<Point> points;
  if (std::none_of(curve.counts().begin(), curve.counts().end(),
                   [](int32_t count) { return count > 1; })) {
    return points;
  }
  for (int i = 0; i < Length(curve); ++i) {
    points.push_back({.x = static_cast<double>(curve.epochs(i)),
                      .y = curve.means(i),
                      .low = curve.lows(i),
                      .high = curve.highs(i)});
  }
  return points;
}

std::vector<Point> DivergedEnds(const v1::Curve& curve) {
  std::vector<Point> points;
  for (const v1::CurveEnd& end : curve.diverged()) {
    points.push_back({.x = static_cast<double>(end.epoch()), .y = end.value()});
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

Series MarkerLegend(Series::Marker marker, absl::string_view label) {
  return {.kind = Series::Kind::kPoints,
          .marker = marker,
          .label = std::string(label),
          .style = {.color = Color::kGrey}};
}

void Layers::AddBand(Style style, std::vector<Point> points) {
  if (points.empty()) return;
  bands_.push_back({.kind = Series::Kind::kBand, .style = style, .points = std::move(points)});
}

void Layers::AddLine(std::string label, Style style, std::vector<Point> points) {
  lines_.push_back({.label = std::move(label), .style = style, .points = std::move(points)});
}

void Layers::AddEnds(Style style, std::vector<Point> points) {
  if (points.empty()) return;
  ends_.push_back({.kind = Series::Kind::kPoints,
                   .marker = Series::Marker::kDiverged,
                   .style = style,
                   .points = std::move(points)});
}

void Layers::AddCurve(std::string label, Style style, const v1::Curve* curve) {
  AddLine(std::move(label), style, curve == nullptr ? std::vector<Point>() : MeanLine(*curve));
  if (curve != nullptr) AddEnds(style, DivergedEnds(*curve));
}

std::vector<Series> Layers::Take() && {
  std::vector<Series> all = std::move(bands_);
  std::move(lines_.begin(), lines_.end(), std::back_inserter(all));
  if (!ends_.empty()) all.push_back(MarkerLegend(Series::Marker::kDiverged, "diverged"));
  std::move(ends_.begin(), ends_.end(), std::back_inserter(all));
  return all;
}

std::vector<Style> StylesOf(const Arms& arms) {
  std::vector<Color> wanted;
  for (const v1::Arm& arm : arms) wanted.push_back(ColorOf(arm.config().theta()));
  return StylesOf(wanted);
}

}  // namespace anneal::client::plot
