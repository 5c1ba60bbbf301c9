#include "common/stats/comparison.h"

#include <algorithm>
#include <array>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numeric>

#include "common/stats/statistics.h"

namespace anneal::stats {
namespace {

constexpr size_t kResamples = 9'999;
constexpr double kTail = 0.025;
constexpr size_t kExactSigns = 24;
constexpr int kRandomSigns = 100'000;
constexpr double kSmallestLoss = 1e-12;
// Values and sums that differ by this share of their size are equal. Differences of accuracies are
// rounded by 1e-16, which is this share of one image in ten million.
constexpr double kRounding = 1e-9;
// Up to so many values their pairwise sums fit into the L1 cache.
constexpr size_t kMostPairSums = 64;

double SumOfMagnitudes(absl::Span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += std::abs(value);
  return sum;
}

bool AreEqual(absl::Span<const double> values) {
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  return *most - *least <= kRounding * std::max(std::abs(*least), std::abs(*most));
}

Interval StudentInterval(absl::Span<const double> values) {
  const auto n = static_cast<double>(values.size());
  const boost::math::students_t distribution(n - 1);
  const double quantile = boost::math::quantile(boost::math::complement(distribution, kTail));
  const double mean = Mean(values);
  const double half = quantile * StandardDeviation(values) / std::sqrt(n);
  return {.low = mean - half, .high = mean + half, .method = Interval::Method::kT};
}

// SplitMix64 (Steele et al. 2014): for 10,000 values, resampling takes a hundred million draws.
class Random {
 public:
  uint64_t Next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  // Two draws from [0, n), n < 2^32: the high halves of products (Lemire 2019), whose bias is below
  // n / 2^32.
  std::array<size_t, 2> Pair(size_t n) {
    const uint64_t bits = Next();
    return {static_cast<size_t>(((bits & 0xFFFFFFFF) * n) >> 32),
            static_cast<size_t>(((bits >> 32) * n) >> 32)};
  }

 private:
  uint64_t state_ = 1;
};

// The sum of so many random draws of `values`, with replacement.
double SumOfDraws(absl::Span<const double> values, size_t draws, Random* random) {
  double even = 0;
  double odd = 0;
  for (size_t i = 0; i + 1 < draws; i += 2) {
    const auto [first, second] = random->Pair(values.size());
    even += values[first];
    odd += values[second];
  }
  if (draws % 2 == 1) even += values[random->Pair(values.size())[0]];
  return even + odd;
}

std::vector<double> PairSums(absl::Span<const double> values) {
  std::vector<double> sums;
  sums.reserve(values.size() * values.size());
  for (const double first : values) {
    for (const double second : values) sums.push_back(first + second);
  }
  return sums;
}

// A draw from all pairwise sums is two draws of values, for the cost of one.
std::vector<double> ResampledMeans(absl::Span<const double> values) {
  Random random;
  const size_t n = values.size();
  const std::vector<double> pairs = n <= kMostPairSums ? PairSums(values) : std::vector<double>();
  const size_t pair_draws = pairs.empty() ? 0 : n / 2;
  std::vector<double> means(kResamples);
  for (double& mean : means) {
    mean =
        (SumOfDraws(pairs, pair_draws, &random) + SumOfDraws(values, n - 2 * pair_draws, &random)) /
        static_cast<double>(n);
  }
  return means;
}

// The skewness of the jackknife's means, over 6.
double Acceleration(absl::Span<const double> values) {
  const double mean = Mean(values);
  const auto n = static_cast<double>(values.size());
  double squares = 0;
  double cubes = 0;
  for (const double value : values) {
    // The mean without the value deviates from the mean of such means by this much.
    const double deviation = (value - mean) / (n - 1);
    squares += deviation * deviation;
    cubes += deviation * deviation * deviation;
  }
  return cubes / (6 * std::pow(squares, 1.5));
}

// The share of resampled means below the mean, ties counting half.
double ShareBelow(absl::Span<const double> means, double mean, double rounding) {
  size_t halves = 0;
  for (const double value : means) {
    halves += value < mean - rounding ? 1 : 0;
    halves += value < mean + rounding ? 1 : 0;
  }
  return static_cast<double>(halves) / static_cast<double>(2 * means.size());
}

// Returns the Quantile of unsorted values, which it reorders. Any guess gives the same result; one
// that splits off a small tail with the quantile saves time, because few branches go that way.
double QuantileOf(std::vector<double>* values, double q, double guess) {
  const double rank = q * static_cast<double>(values->size() - 1);
  const auto split =
      std::partition(values->begin(), values->end(), [=](double value) { return value < guess; });
  const auto below = values->begin() + static_cast<std::ptrdiff_t>(rank);
  const auto last = below < split ? split : values->end();
  std::nth_element(below < split ? values->begin() : split, below, last);
  if (below + 1 == values->end()) return *below;
  const double above = *std::min_element(below + 1, below + 1 < last ? last : values->end());
  return *below + (rank - std::floor(rank)) * (above - *below);
}

Interval BcaInterval(absl::Span<const double> values) {
  const boost::math::normal normal;
  std::vector<double> means = ResampledMeans(values);
  const auto n = static_cast<double>(values.size());
  const double mean = Mean(values);
  const double rounding = kRounding * SumOfMagnitudes(values) / n;
  const double least = 0.5 / static_cast<double>(means.size());
  const double share = std::clamp(ShareBelow(means, mean, rounding), least, 1 - least);
  const double bias = boost::math::quantile(normal, share);
  const double acceleration = Acceleration(values);
  const auto endpoint = [&](double tail, double guess) {
    const double shifted = bias + boost::math::quantile(normal, tail);
    const double corrected = bias + shifted / (1 - acceleration * shifted);
    return QuantileOf(&means, boost::math::cdf(normal, corrected), guess);
  };
  const double tail_begins = 1.5 * StandardDeviation(values) / std::sqrt(n);
  return {.low = endpoint(kTail, mean - tail_begins),
          .high = endpoint(1 - kTail, mean + tail_begins),
          .method = Interval::Method::kBca};
}

// Returns the sums of all 2^n sign assignments, ascending.
std::vector<double> SignedSums(absl::Span<const double> differences) {
  std::vector<double> sums = {0};
  for (const double difference : differences) {
    const size_t size = sums.size();
    sums.resize(2 * size);
    for (size_t i = 0; i < size; ++i) {
      sums[size + i] = sums[i] + difference;
      sums[i] -= difference;
    }
  }
  std::sort(sums.begin(), sums.end());
  return sums;
}

// Returns the share of all sign assignments whose sum is at least as far from 0 as `observed`.
// Every assignment is one of each half of the differences; for ascending sums of the one half, the
// sums of the other that suffice begin ever earlier (Horowitz and Sahni 1974).
double ExactShare(absl::Span<const double> differences, double observed) {
  const std::vector<double> left = SignedSums(differences.first(differences.size() / 2));
  const std::vector<double> right = SignedSums(differences.subspan(differences.size() / 2));
  double as_far = 0;
  size_t above = right.size();  // index of the first sum that reaches `observed`
  for (const double sum : left) {
    while (above > 0 && sum + right[above - 1] >= observed) --above;
    as_far += static_cast<double>(right.size() - above);
  }
  const double all = static_cast<double>(left.size()) * static_cast<double>(right.size());
  // By symmetry as many sums lie as far below 0; where 0 is far enough, all are.
  return observed <= 0 ? 1 : 2 * as_far / all;
}

// The sums of the sign assignments of eight differences, by their bits.
using ByteSums = std::array<double, 256>;

std::vector<ByteSums> SumsByByte(absl::Span<const double> differences) {
  std::vector<ByteSums> tables((differences.size() + 7) / 8);
  for (size_t i = 0; i < tables.size(); ++i) {
    const auto eight = differences.subspan(8 * i, 8);
    for (size_t bits = 0; bits < 256; ++bits) {
      double sum = 0;
      for (size_t k = 0; k < eight.size(); ++k) {
        sum += ((bits >> k) & 1) != 0 ? eight[k] : -eight[k];
      }
      tables[i][bits] = sum;
    }
  }
  return tables;
}

double RandomShare(absl::Span<const double> differences, double observed) {
  const std::vector<ByteSums> tables = SumsByByte(differences);
  Random random;
  int as_far = 1;
  for (int i = 0; i < kRandomSigns; ++i) {
    double sum = 0;
    for (size_t j = 0; j < tables.size(); j += 8) {
      uint64_t bits = random.Next();
      for (size_t k = j; k < std::min(j + 8, tables.size()); ++k, bits >>= 8) {
        sum += tables[k][bits & 0xFF];
      }
    }
    as_far += std::abs(sum) >= observed ? 1 : 0;  // without a branch: it is unpredictable
  }
  return static_cast<double>(as_far) / (kRandomSigns + 1);
}

}  // namespace

std::optional<Interval> MeanInterval(absl::Span<const double> values) {
  if (values.size() < 2) return std::nullopt;
  const bool by_bootstrap = values.size() >= kLeastBootstrap;
  if (AreEqual(values)) {
    return Interval{.low = values[0],
                    .high = values[0],
                    .method = by_bootstrap ? Interval::Method::kBca : Interval::Method::kT,
                    .degenerate = true};
  }
  return by_bootstrap ? BcaInterval(values) : StudentInterval(values);
}

double ProbabilityOfImprovement(absl::Span<const double> arm, absl::Span<const double> baseline,
                                bool higher_is_better) {
  double better = 0;
  for (size_t i = 0; i < arm.size(); ++i) {
    if (arm[i] == baseline[i]) {
      better += 0.5;
    } else if ((arm[i] > baseline[i]) == higher_is_better) {
      better += 1;
    }
  }
  return better / static_cast<double>(arm.size());
}

double SignFlipPValue(absl::Span<const double> differences) {
  const double sum = std::accumulate(differences.begin(), differences.end(), 0.0);
  const double observed = std::abs(sum) - kRounding * SumOfMagnitudes(differences);
  return differences.size() <= kExactSigns ? ExactShare(differences, observed)
                                           : RandomShare(differences, observed);
}

double SmallestSignFlipPValue(size_t differences) {
  if (differences == 0) return 1;
  return differences <= kExactSigns ? std::exp2(1 - static_cast<double>(differences))
                                    : 1.0 / (kRandomSigns + 1);
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

std::optional<double> EffectSize(absl::Span<const double> differences) {
  if (differences.size() < 2 || AreEqual(differences)) return std::nullopt;
  return Mean(differences) / StandardDeviation(differences);
}

double BinomialStandardError(double share, int64_t images) {
  return std::sqrt(share * (1 - share) / static_cast<double>(images));
}

std::optional<double> MedianTime(std::vector<double> times) {
  if (times.empty()) return std::nullopt;
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>((times.size() - 1) / 2);
  std::nth_element(times.begin(), middle, times.end());
  return std::isfinite(*middle) ? std::optional<double>(*middle) : std::nullopt;
}

double LogLossArea(absl::Span<const double> losses) {
  const auto log = [](double loss) { return std::log(std::max(loss, kSmallestLoss)); };
  if (losses.size() == 1) return log(losses[0]);
  double area = 0;
  for (size_t i = 1; i < losses.size(); ++i) area += (log(losses[i - 1]) + log(losses[i])) / 2;
  return area / static_cast<double>(losses.size() - 1);
}

}  // namespace anneal::stats
