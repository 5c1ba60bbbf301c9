#include "server/analysis/curves.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace anneal::analysis {
namespace {

// A point takes about 30 bytes of a response, which has 4 MiB.
constexpr int64_t kMaxCurvePoints = 60'000;
// Marks of a curve beyond these would cover each other.
constexpr size_t kMaxDivergedMarks = 200;

int32_t StrideFor(size_t curves, const std::vector<int32_t>& longest) {
  int64_t points = 0;
  for (const int32_t epochs : longest) points += epochs;
  points *= static_cast<int64_t>(curves);
  return static_cast<int32_t>(
      std::max<int64_t>(1, (points + kMaxCurvePoints - 1) / kMaxCurvePoints));
}

}  // namespace

double RunningMean::StandardDeviation() const {
  return count_ < 2 ? 0 : std::sqrt(squares_ / (count_ - 1));
}

CurveSums::CurveSums(std::vector<WantedCurve> curves, const std::vector<int32_t>& longest)
    : curves_(std::move(curves)), longest_(longest), stride_(StrideFor(curves_.size(), longest)) {}

bool CurveSums::Keeps(int arm, int32_t epoch) const {
  return (epoch - 1) % stride_ == 0 || epoch == longest_[static_cast<size_t>(arm)];
}

void CurveSums::Add(int arm, size_t curve, int layer, int32_t epoch, double value) {
  if (Keeps(arm, epoch)) points_[{arm, curve, layer}].by_epoch[epoch].Add(value);
}

void CurveSums::AddDiverged(int arm, size_t curve, int layer, int32_t epoch, double value) {
  std::vector<v1::CurveEnd>& diverged = points_[{arm, curve, layer}].diverged;
  if (diverged.size() >= kMaxDivergedMarks) return;
  v1::CurveEnd& end = diverged.emplace_back();
  end.set_epoch(epoch);
  end.set_value(value);
}

void CurveSums::Fill(int arm, v1::Arm* to) const {
  for (auto found = points_.lower_bound({arm, 0, -1}); found != points_.end(); ++found) {
    const auto& [owner, index, layer] = found->first;
    if (owner != arm) return;
    const WantedCurve& wanted = curves_[index];
    v1::Curve* curve = to->add_curves();
    curve->set_metric(wanted.name);
    curve->set_layer(layer);
    for (const auto& [epoch, values] : found->second.by_epoch) {
      const double deviation = values.StandardDeviation();
      const double low = values.mean() - deviation;
      const double high = values.mean() + deviation;
      curve->add_epochs(epoch);
      curve->add_counts(values.count());
      curve->add_means(values.mean());
      curve->add_lows(std::max(low, wanted.low));
      curve->add_highs(std::min(high, wanted.high));
    }
    curve->mutable_diverged()->Assign(found->second.diverged.begin(), found->second.diverged.end());
  }
}

}  // namespace anneal::analysis
