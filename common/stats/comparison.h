// Statistics for comparing arms over seeds. Pure and reproducible: what is drawn at random is drawn
// from a generator of its own with a fixed seed. Thread-safe.

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

// 95 % percentile bootstrap interval of the mean of paired differences, from 10,000 resamples of
// the pairs (Efron and Tibshirani 1993, chapter 13). At least one difference; with few of them the
// interval is too narrow, and with one it is a point.
Interval BootstrapInterval(absl::Span<const double> differences);

// The probability that a run of `a` is better than one of `b`: the share of all pairs in which it
// is, ties counting half (Mann and Whitney's U over its largest value; Agarwal et al. 2021,
// arXiv:2108.13264, equation 3). Neither is empty.
double ProbabilityOfImprovement(absl::Span<const double> a, absl::Span<const double> b,
                                bool higher_is_better);

// Two-sided p-value of the hypothesis that paired differences are symmetric around 0: the share of
// all ways to choose their signs that give a sum at least as far from 0 (Fisher's randomisation
// test). Exact up to 20 differences; above, from 100,000 random choices, the observed one counted.
// With n differences it cannot fall below 2^(1-n). At least one difference.
double SignFlipPValue(absl::Span<const double> differences);

// p-values corrected for being several (Holm 1979), in the order given: the k-th smallest of m
// times m - k + 1, at least the one before, at most 1.
std::vector<double> HolmCorrection(absl::Span<const double> p_values);

// A run's way to a threshold: when it got there, or how far it was watched without getting there.
struct TimeToEvent {
  double time = 0;
  bool reached = false;
};
// The first time at which Kaplan and Meier's (1958) estimate of the share that has not got there is
// at most one half; nothing when it never is. Runs that did not get there count as long as they
// were watched.
std::optional<double> MedianTimeToEvent(std::vector<TimeToEvent> observations);

// Area under the curve of ln(loss) by epoch (trapezoids), per epoch: comparable between runs of
// different lengths, and lower for training that is faster or gets further. Losses below 1e-12
// count as that. At least one loss.
double LogLossArea(absl::Span<const double> losses);

}  // namespace anneal::stats

#endif  // ANNEAL_COMMON_STATS_COMPARISON_H_
