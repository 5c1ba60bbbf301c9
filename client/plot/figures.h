// These functions build the figures of `anneal plot` from a comparison of arms, as the server sends
// it. Pure; thread-safe.
//
// Every figure shows the arms of the comparison in their order, with the number of runs behind what
// it shows. Runs that diverged end in a marker, or are named as not drawn.

#ifndef ANNEAL_CLIENT_PLOT_FIGURES_H_
#define ANNEAL_CLIENT_PLOT_FIGURES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "anneal/v1/services.pb.h"
#include "client/plot/figure.h"
#include "common/metric.h"

namespace anneal::client::plot {

// One panel per metric: the means of the arms' curves, with bands from their lows to their highs
// (±1 sample standard deviation) where an epoch has two or more runs. Needs the metrics as curves.
Figure Curves(const v1::CompareExperimentsResponse& comparison, const std::vector<Metric>& metrics,
              bool log_y);

// The last theta vectors of one run of an arm.
struct LastThetas {
  std::string arm;
  int64_t seed = 0;
  std::vector<v1::ThetaVector> layers;
};

// The names of the curves that Thetas needs.
std::vector<std::string> ThetaCurves();
// Returns true for an arm with more than one theta, whose quantiles differ.
bool HasManyThetas(const v1::Arm& arm);
// Theta by epoch: means over an arm's runs of the median and the 5, 25, 75 and 95 % quantiles over
// its thetas; a single line for one theta. Each of `last` gets a panel with its distribution per
// layer.
Figure Thetas(const v1::CompareExperimentsResponse& comparison,
              const std::vector<LastThetas>& last);

// The epoch, or aggregate over epochs, that represents a run.
enum class Pick { kFinal, kMin, kMax, kMean };
// Returns the name of the metric of a run (common/metric.h): `min.train_loss`.
std::string PickedName(const Metric& metric, Pick pick);
// One point for each run that succeeded and repeats no other: one metric against another (Youden
// 1959). If both have the same unit, scales are equal and y = x is drawn. Collapsed runs have a
// marker of their own; the title names the numbers of runs that diverged or are missing. Needs both
// picked names as run_metrics.
Figure Youden(const v1::CompareExperimentsResponse& comparison, const Metric& x, const Metric& y,
              Pick pick);

// Shows the mean of the metric for each arm, and the differences to the baseline, both with the
// 95 % intervals of the response. Arms without a value or a difference keep their rows.
Figure Compare(const v1::CompareExperimentsResponse& comparison);

// Theta and learning rate at the start of every epoch, for named configs.
struct Schedule {
  std::string name;
  v1::TrainingConfig config;
  int64_t steps_per_epoch = 1;
};
Figure Schedules(const std::vector<Schedule>& schedules);

// One panel per arm: the share of each true class predicted as each class, and the counts, summed
// over the arm's runs. FAILED_PRECONDITION: no arm has such a test result.
absl::StatusOr<Figure> Confusions(const v1::CompareExperimentsResponse& comparison,
                                  v1::TestResult::Weights weights);

// The names of the curves that Landscape needs.
std::vector<std::string> LandscapeCurves();
// One panel per diagnostic: linear gap, share of negative pre-activations and gradient norm by
// layer, violations of midpoint convexity, extreme eigenvalues of the Hessian; means over an arm's
// runs. FAILED_PRECONDITION naming `diagnostics`: none was recorded.
absl::StatusOr<Figure> Landscape(const v1::CompareExperimentsResponse& comparison);

}  // namespace anneal::client::plot

#endif  // ANNEAL_CLIENT_PLOT_FIGURES_H_
