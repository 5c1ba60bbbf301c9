// These functions compute summary statistics of samples. Pure; thread-safe.

#ifndef ANNEAL_COMMON_STATS_STATISTICS_H_
#define ANNEAL_COMMON_STATS_STATISTICS_H_

#include "absl/types/span.h"

namespace anneal::stats {

// Summation runs from first to last, in double. The sample must not be empty.
double Mean(absl::Span<const double> sample);

// Returns the sample standard deviation (divisor n - 1), in two passes. At least two values.
double StandardDeviation(absl::Span<const double> sample);

// Returns the middle value, or the mean of the two middle ones. Values may be infinite; between two
// opposite infinities the median is NaN. At least one value.
double Median(absl::Span<const double> sample);

// Returns the mean of the values without the lowest and the highest quarter of them, rounded down
// (the 25 % trimmed mean; Agarwal et al. 2021, arXiv:2108.13264). At least one value.
double InterquartileMean(absl::Span<const double> sample);

// Returns the quantile with linear interpolation between order statistics, at rank q (n - 1)
// (Hyndman and Fan 1996, type 7, the default of numpy and R). `sorted` is ascending and not empty;
// 0 <= q <= 1.
double Quantile(absl::Span<const float> sorted, double q);
double Quantile(absl::Span<const double> sorted, double q);

}  // namespace anneal::stats

#endif  // ANNEAL_COMMON_STATS_STATISTICS_H_
