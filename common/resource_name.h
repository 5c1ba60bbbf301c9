// These functions format, parse and abbreviate resource names: `experiments/{experiment}` and
// `experiments/{experiment}/runs/{run}`. Pure.

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

// Checks that `id` matches [a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?. INVALID_ARGUMENT naming `field`.
absl::Status CheckExperimentId(absl::string_view field, absl::string_view id);

// Returns the ID in `experiments/{experiment}`. INVALID_ARGUMENT naming `field`, with a remedy in
// the terms of the command line.
absl::StatusOr<std::string> ParseExperimentName(absl::string_view field, absl::string_view name);
absl::StatusOr<RunName> ParseRunName(absl::string_view field, absl::string_view name);

// Wildcard for all experiments.
inline constexpr absl::string_view kAllExperiments = "experiments/-";

std::string ExperimentName(absl::string_view id);
std::string FormatRunName(absl::string_view experiment_id, int64_t ordinal);

// Expands a name as typed: `first` to experiments/first, `first/0` to experiments/first/runs/0.
// Full names pass through; the result is not validated.
std::string ExpandName(absl::string_view typed);
// The inverse of ExpandName.
std::string ShortenName(absl::string_view name);
// Returns true for the full name of a run.
bool IsRunName(absl::string_view name);

}  // namespace anneal

#endif  // ANNEAL_COMMON_RESOURCE_NAME_H_
