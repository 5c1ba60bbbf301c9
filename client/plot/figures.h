// These functions build the figures of `anneal plot` from recorded runs. Pure; thread-safe.

#ifndef ANNEAL_CLIENT_PLOT_FIGURES_H_
#define ANNEAL_CLIENT_PLOT_FIGURES_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "anneal/v1/services.pb.h"
#include "client/plot/arm_data.h"
#include "client/plot/figure.h"
#include "common/metric.h"

namespace anneal::client::plot {

// One panel per metric: the mean over an arm's runs at each epoch that all of them have, with a
// band of ±1 sample standard deviation for two or more runs.
Figure Curves(const std::vector<ArmData>& arms, const std::vector<Metric>& metrics, bool log_y);

// Theta by epoch: means over an arm's runs of the median and the 5, 25, 75 and 95 % quantiles over
// its thetas; a single line for one theta. `thetas` holds the last vectors of the first run of each
// arm with more than one theta, and is empty for other arms: each gets a panel with the
// distribution per layer.
Figure Thetas(const std::vector<ArmData>& arms,
              const std::vector<std::vector<v1::ThetaVector>>& thetas);

// The epoch, or aggregate over epochs, that represents a run.
enum class Pick { kFinal, kMin, kMax, kMean };
// One point per run: one metric against another (Youden 1959). If both have the same unit, scales
// are equal and y = x is drawn. `pick` selects the last value, or the minimum, maximum or mean over
// the epochs.
Figure Youden(const std::vector<ArmData>& arms, const Metric& x, const Metric& y, Pick pick);

// Shows the mean of the metric for each of `arms`, and the response's differences, both with their
// 95 % bootstrap intervals.
Figure Compare(const v1::CompareExperimentsResponse& response, const std::vector<ArmData>& arms);

// Theta and learning rate at the start of every epoch, for named configs.
struct Schedule {
  std::string name;
  v1::TrainingConfig config;
  int64_t steps_per_epoch = 1;
};
Figure Schedules(const std::vector<Schedule>& schedules);

// One panel per arm: the share of each true class predicted as each class, and the counts, summed
// over the arm's runs. FAILED_PRECONDITION: no run has such a test result.
absl::StatusOr<Figure> Confusions(const std::vector<ArmData>& arms,
                                  v1::TestResult::Weights weights);

// One panel per diagnostic: linear gap and share of negative pre-activations by layer, violations
// of midpoint convexity, extreme eigenvalues of the Hessian; means over an arm's runs.
// FAILED_PRECONDITION naming `diagnostics`: none was recorded.
absl::StatusOr<Figure> Landscape(const std::vector<ArmData>& arms);

}  // namespace anneal::client::plot

#endif  // ANNEAL_CLIENT_PLOT_FIGURES_H_
