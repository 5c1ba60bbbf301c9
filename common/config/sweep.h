// From an experiment to its runs. Pure.

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

// One combination of sweep values; every seed of the experiment runs it.
struct SweepCell {
  std::map<std::string, std::string> parameters;  // by field path
  v1::TrainingConfig config;                      // resolved, not yet checked
};

// The cartesian product of the axes, the last one varying fastest; one cell without axes.
// INVALID_ARGUMENT: an axis that names no field, repeats one, has no values or repeats one; a value
// of the wrong type; repeated seeds; more than kMaxRunsPerExperiment runs, or more memory for all
// of them than 128 MiB for configs and 64 MiB for parameters.
absl::StatusOr<std::vector<SweepCell>> ExpandSweep(const v1::Experiment& experiment);

// The seeds of the experiment: 0 where it names none.
std::vector<int64_t> SeedsOf(const v1::Experiment& experiment);

}  // namespace anneal::config

#endif  // ANNEAL_COMMON_CONFIG_SWEEP_H_
