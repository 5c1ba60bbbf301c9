#include "common/stats/comparison.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <random>

#include "common/stats/statistics.h"

namespace anneal::stats {
namespace {

constexpr int kResamples = 10'000;
constexpr double kTail = 0.025;
constexpr size_t kExactSigns = 20;
constexpr int kRandomSigns = 100'000;
constexpr double kSmallestLoss = 1e-12;
// Sums that differ by rounding alone are equal.
constexpr double kRounding = 1e-12;

// Returns the fraction of all 2^n sign assignments whose sum is at least as far from 0 as
// `observed`.
double ExactShare(absl::Span<const double> differences, double observed) {
  const uint64_t choices = uint64_t{1} << differences.size();
  uint64_t as_far = 0;
  for (uint64_t signs = 0; signs < choices; ++signs) {
    double sum = 0;
    for (size_t i = 0; i < differences.size(); ++i) {
      sum += ((signs >> i) & 1) != 0 ? differences[i] : -differences[i];
    }
    if (std::abs(sum) >= observed) ++as_far;
  }
  return static_cast<double>(as_far) / static_cast<double>(choices);
}

double RandomShare(absl::Span<const double> differences, double observed) {
  std::mt19937_64 random(1);
  int as_far = 1;
  for (int i = 0; i < kRandomSigns; ++i) {
    double sum = 0;
    for (size_t j = 0; j < differences.size(); j += 64) {
      uint64_t bits = random();
      for (size_t k = j; k < std::min(j + 64, differences.size()); ++k, bits >>= 1) {
        sum += (bits & 1) != 0 ? differences[k] : -differences[k];
      }
    }
    if (std::abs(sum) >= observed) ++as_far;
  }
  return static_cast<double>(as_far) / (kRandomSigns + 1);
}

}  // namespace

Interval BootstrapInterval(absl::Span<const double> differences) {
  std::mt19937_64 random(1);
  std::uniform_int_distribution<size_t> pick(0, differences.size() - 1);
  std::vector<double> means(kResamples);
  for (double& mean : means) {
    double sum = 0;
    for (size_t i = 0; i < differences.size(); ++i) sum += differences[pick(random)];
    mean = sum / static_cast<double>(differences.size());
  }
  std::sort(means.begin(), means.end());
  return {.low = Quantile(means, kTail), .high = Quantile(means, 1 - kTail)};
}

double ProbabilityOfImprovement(absl::Span<const double> a, absl::Span<const double> b,
                                bool higher_is_better) {
  double better = 0;
  for (const double x : a) {
    for (const double y : b) better += x == y ? 0.5 : (x > y) == higher_is_better ? 1 : 0;
  }
  return better / (static_cast<double>(a.size()) * static_cast<double>(b.size()));
}

double SignFlipPValue(absl::Span<const double> differences) {
  const double sum = std::accumulate(differences.begin(), differences.end(), 0.0);
  double scale = 0;
  for (const double difference : differences) scale += std::abs(difference);
  const double observed = std::abs(sum) - kRounding * scale;
  return differences.size() <= kExactSigns ? ExactShare(differences, observed)
                                           : RandomShare(differences, observed);
}

std::vector<double> HolmCorrection(absl::Span<const double> p_values) {
  std::vector<size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return p_values[a] < p_values[b]; });
  std::vector<double> corrected(p_values.size());
  double before = 0;
  for (size_t k = 0; k < order.size(); ++k) {
    const double p = static_cast<double>(order.size() - k) * p_values[order[k]];
    before = std::min(1.0, std::max(before, p));
    corrected[order[k]] = before;
  }
  return corrected;
}

std::optional<double> MedianTimeToEvent(std::vector<TimeToEvent> observations) {
  // At equal times, events precede censored observations.
  std::sort(observations.begin(), observations.end(), [](const auto& a, const auto& b) {
    return a.time != b.time ? a.time < b.time : a.reached && !b.reached;
  });
  double share = 1;
  size_t watched = observations.size();
  for (const TimeToEvent& observation : observations) {
    if (observation.reached) {
      share *= static_cast<double>(watched - 1) / static_cast<double>(watched);
      if (share <= 0.5 + kRounding) return observation.time;
    }
    --watched;
  }
  return std::nullopt;
}

double LogLossArea(absl::Span<const double> losses) {
  const auto log = [](double loss) { return std::log(std::max(loss, kSmallestLoss)); };
  if (losses.size() == 1) return log(losses[0]);
  double area = 0;
  for (size_t i = 1; i < losses.size(); ++i) area += (log(losses[i - 1]) + log(losses[i])) / 2;
  return area / static_cast<double>(losses.size() - 1);
}

}  // namespace anneal::stats
