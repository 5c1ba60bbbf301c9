// `ExpandSweep` expands an experiment into its runs. Pure.

#ifndef ANNEAL_COMMON_CONFIG_SWEEP_H_
#define ANNEAL_COMMON_CONFIG_SWEEP_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "anneal/v1/resources.pb.h"

namespace anneal::config {

inline constexpr int64_t kMaxRunsPerExperiment = 10'000;

// One combination of sweep values, run with every seed of the experiment.
struct SweepCell {
  std::map<std::string, std::string> parameters;  // by field path
  v1::TrainingConfig config;                      // resolved, not yet validated
};

// Returns the Cartesian product of the axes, the last one varying fastest; one cell without axes.
// INVALID_ARGUMENT: an axis names no field, repeats a field, has no values or repeats a value; a
// value of the wrong type; repeated seeds; more than kMaxRunsPerExperiment runs; or configs of all
// cells beyond 128 MiB or parameters of all runs beyond 64 MiB.
absl::StatusOr<std::vector<SweepCell>> ExpandSweep(const v1::Experiment& experiment);

// Returns the seeds of the experiment; 0 by default.
std::vector<int64_t> SeedsOf(const v1::Experiment& experiment);

}  // namespace anneal::config

#endif  // ANNEAL_COMMON_CONFIG_SWEEP_H_
