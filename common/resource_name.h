// Names of resources: `experiments/{experiment}` and `experiments/{experiment}/runs/{run}`. Pure.

#ifndef ANNEAL_COMMON_RESOURCE_NAME_H_
#define ANNEAL_COMMON_RESOURCE_NAME_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace anneal {

struct RunName {
  std::string experiment_id;
  int64_t ordinal = 0;
};

// Whether `id` matches [a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?; INVALID_ARGUMENT naming `field` if not.
absl::Status CheckExperimentId(absl::string_view field, absl::string_view id);

// The id in `experiments/{experiment}`, or INVALID_ARGUMENT naming `field`.
absl::StatusOr<std::string> ParseExperimentName(absl::string_view field, absl::string_view name);
absl::StatusOr<RunName> ParseRunName(absl::string_view field, absl::string_view name);

// `experiments/-`: all experiments.
inline constexpr absl::string_view kAllExperiments = "experiments/-";

std::string ExperimentName(absl::string_view id);
std::string FormatRunName(absl::string_view experiment_id, int64_t ordinal);

// What people type: `first` for experiments/first and `first/0` for experiments/first/runs/0. Full
// names pass through; the result is not checked further.
std::string ExpandName(absl::string_view typed);
// The inverse: as people would type it.
std::string ShortenName(absl::string_view name);
// Whether an expanded name is one of a run.
bool IsRunName(absl::string_view name);

}  // namespace anneal

#endif  // ANNEAL_COMMON_RESOURCE_NAME_H_
