// These functions compare arms over seeds. Pure and reproducible: random resampling uses a local
// generator with a fixed seed. Thread-safe.

#ifndef ANNEAL_COMMON_STATS_COMPARISON_H_
#define ANNEAL_COMMON_STATS_COMPARISON_H_

#include <optional>
#include <vector>

#include "absl/types/span.h"

namespace anneal::stats {

struct Interval {
  double low = 0;
  double high = 0;
};

// Returns the 95 % percentile bootstrap interval of the mean of paired differences, from 10,000
// resamples of the pairs (Efron and Tibshirani 1993, chapter 13). At least one difference; with few
// of them the interval is too narrow, and with one it is a point.
Interval BootstrapInterval(absl::Span<const double> differences);

// Returns the probability that a run of `a` is better than one of `b`: the share of all pairs in
// which it is, ties counting half (Mann and Whitney's U over its largest value; Agarwal et al.
// 2021, arXiv:2108.13264, equation 3). Neither may be empty.
double ProbabilityOfImprovement(absl::Span<const double> a, absl::Span<const double> b,
                                bool higher_is_better);

// Returns the two-sided p-value of the hypothesis that paired differences are symmetric around 0:
// the share of all sign assignments whose sum is at least as far from 0 (Fisher's randomisation
// test). Exact up to 20 differences; above, from 100,000 random assignments, counting the observed
// one. With n differences it cannot fall below 2^(1-n). At least one difference.
double SignFlipPValue(absl::Span<const double> differences);

// Returns p-values corrected for multiple comparisons (Holm 1979), in the given order: the k-th
// smallest of m is multiplied by m - k + 1, and is at least the previous one and at most 1.
std::vector<double> HolmCorrection(absl::Span<const double> p_values);

// The time at which a run reached a threshold, or up to which it was observed without reaching it
// (censored).
struct TimeToEvent {
  double time = 0;
  bool reached = false;
};
// Returns the first time at which the Kaplan-Meier (1958) estimate of the share that has not
// reached the threshold is at most one half; nothing if there is none. Censored runs count as long
// as they were observed.
std::optional<double> MedianTimeToEvent(std::vector<TimeToEvent> observations);

// Returns the area under the curve of ln(loss) by epoch (trapezoidal rule), per epoch: comparable
// between runs of different lengths, and lower for faster or better training. Losses below 1e-12
// count as 1e-12. At least one loss.
double LogLossArea(absl::Span<const double> losses);

}  // namespace anneal::stats

#endif  // ANNEAL_COMMON_STATS_COMPARISON_H_
