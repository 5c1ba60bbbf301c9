// The figures there are, from what the daemon has recorded. Pure; thread-safe.

#ifndef ANNEAL_CLIENT_PLOT_FIGURES_H_
#define ANNEAL_CLIENT_PLOT_FIGURES_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "anneal/v1/services.pb.h"
#include "client/plot/figure.h"
#include "common/metric.h"

namespace anneal::client::plot {

struct RunData {
  v1::Run run;  // with config
  std::vector<v1::Epoch> epochs;
};

// Runs that differ in their seeds only, or in what the user does not ask about.
struct ArmData {
  std::string name;
  std::vector<RunData> runs;  // at least one
};

// A style for each arm. What theta does decides the colour, in every figure: fixed black, scheduled
// vermilion, trained blue (one for the network), sky blue (layers), purple (channels) or green
// (neurons). Where all arms do the same, or there are more of a kind than dashes and markers, arms
// are coloured in turn.
std::vector<Style> StylesOf(const std::vector<ArmData>& arms);

// A panel a metric: its mean over an arm's runs at each epoch that all of them have, and a band of
// one sample standard deviation on either side where there are two runs or more.
Figure Curves(const std::vector<ArmData>& arms, const std::vector<Metric>& metrics, bool log_y);

// Theta by epoch: means over an arm's runs of the median and of the quantiles 5, 25, 75 and 95 %
// over its thetas; for one theta, a line. `thetas` has the last vectors of the first run of each
// arm with more than one theta, empty for others: a panel each, with the distribution in every
// layer.
Figure Thetas(const std::vector<ArmData>& arms,
              const std::vector<std::vector<v1::ThetaVector>>& thetas);

// Which epoch of a run counts.
enum class Pick { kFinal, kMin, kMax, kMean };
// A point a run: one metric against the other (Youden 1959); where both have the same unit, on
// equal scales and with a line where they are the same. The least, largest or mean of each metric
// over the epochs, or its last value.
Figure Youden(const std::vector<ArmData>& arms, const Metric& x, const Metric& y, Pick pick);

// Shows the mean of the metric for each of `arms`, and the differences that the response has, with
// the 95 % bootstrap intervals that it has of both.
Figure Compare(const v1::CompareExperimentsResponse& response, const std::vector<ArmData>& arms);

// Theta and learning rate at the beginning of every epoch, of configs by name.
struct Schedule {
  std::string name;
  v1::TrainingConfig config;
  int64_t steps_per_epoch = 1;
};
Figure Schedules(const std::vector<Schedule>& schedules);

// A panel an arm: the share of each true class that was taken for each class, and the numbers,
// summed up over the arm's runs. FAILED_PRECONDITION: no run has such a test result.
absl::StatusOr<Figure> Confusions(const std::vector<ArmData>& arms,
                                  v1::TestResult::Weights weights);

// What the diagnostics recorded, a panel each: linear gap and share of negative pre-activations by
// layer, violations of convexity, extreme eigenvalues of the Hessian; means over an arm's runs.
// FAILED_PRECONDITION naming `diagnostics`: none was asked for.
absl::StatusOr<Figure> Landscape(const std::vector<ArmData>& arms);

}  // namespace anneal::client::plot

#endif  // ANNEAL_CLIENT_PLOT_FIGURES_H_
