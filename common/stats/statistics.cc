#include "common/stats/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace anneal::stats {
namespace {

template <typename Value>
double InterpolatedRank(absl::Span<const Value> sorted, double q) {
  const double rank = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(rank);
  if (below + 1 >= sorted.size()) return sorted.back();
  const double share = rank - static_cast<double>(below);
  const double low = sorted[below];
  const double high = sorted[below + 1];
  return low + share * (high - low);
}

}  // namespace

double Mean(absl::Span<const double> sample) {
  double sum = 0;
  for (const double value : sample) sum += value;
  return sum / static_cast<double>(sample.size());
}

double StandardDeviation(absl::Span<const double> sample) {
  const double mean = Mean(sample);
  double squares = 0;
  for (const double value : sample) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(sample.size() - 1));
}

double Median(absl::Span<const double> sample) {
  std::vector<double> sorted(sample.begin(), sample.end());
  std::sort(sorted.begin(), sorted.end());
  const double low = sorted[(sorted.size() - 1) / 2];
  const double high = sorted[sorted.size() / 2];
  return low / 2 + high / 2;
}

double InterquartileMean(absl::Span<const double> sample) {
  std::vector<double> sorted(sample.begin(), sample.end());
  std::sort(sorted.begin(), sorted.end());
  const size_t cut = sorted.size() / 4;
  return Mean(absl::MakeConstSpan(sorted).subspan(cut, sorted.size() - 2 * cut));
}

double Quantile(absl::Span<const float> sorted, double q) { return InterpolatedRank(sorted, q); }

double Quantile(absl::Span<const double> sorted, double q) { return InterpolatedRank(sorted, q); }

}  // namespace anneal::stats
